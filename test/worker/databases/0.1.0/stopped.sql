-- JobObject 01b8dac5-d3f4-760e-93fe-545d445ab72d
-- written: 1893456021450
-- alarm: 1893456008180
CREATE TABLE job (id INTEGER PRIMARY KEY CHECK (id = 1), spec TEXT NOT NULL, row TEXT NOT NULL, input_bytes INTEGER NOT NULL);
INSERT INTO job (id, spec, row, input_bytes) VALUES (1, '{"id":"01b8dac5-d3f4-760e-93fe-545d445ab72d","createdAt":1893456008180,"submittedBy":"alice","cluster":"default","request":{"inputPath":"http://store/input/","inputType":"file/txt","outputPath":"http://store/out","useSSL":false,"mapperName":"mapper","reducerName":"reducer","nReducers":2,"splitSize":100,"combineInputs":false,"maxAttempts":4,"maxFailedMapsPercent":0,"speculation":true,"taskTimeoutSeconds":600},"credentialSecrets":[],"programs":{"mapper":{"name":"mapper","type":"executable","size":23,"hash":"c2b3d70cd85464b945af475aabc3fd534e5a3be58229652dc656e994172301d9","key":"00000000-0000-4000-8000-000000000001"},"reducer":{"name":"reducer","type":"executable","size":24,"hash":"0572c0f527b9a9b56d30ce3990d7a8acea08182e8512278af5cf1eddcb24f64e","key":"00000000-0000-4000-8000-000000000002"}}}', '{"id":"01b8dac5-d3f4-760e-93fe-545d445ab72d","status":"stopped","mapOnly":false,"nReducers":2,"parallelism":null,"maxAttempts":4,"maxFailedMapsPercent":0,"speculation":true,"maps":{"total":2,"running":0,"completed":0,"failed":0},"reduces":{"total":2,"running":0,"completed":0,"failed":0},"commits":{"total":0,"completed":0},"created":{"reduces":false,"commits":false},"open":1,"touched":true,"clean":"waiting","released":false,"endedAt":1893456009180,"error":null,"counters":{"builtin":{},"user":{}},"failedMaps":[],"pace":{"map":{"attempts":0,"ms":0},"reduce":{"attempts":0,"ms":0}},"alike":null}', 200);
CREATE TABLE secret (sealed TEXT NOT NULL);
INSERT INTO secret (sealed) VALUES ('5611c630d558ac6e.BpXe4LuN+DL/PM+hZ5SviGZ7cCJPddhEYMYufhk0z2oTanbpOXdfQtqsFzoZwfoN65DEDVa28HknE7IwGEfbW5IbkKuYHWl9oJfkNDPwiztvd/0SaihTrgAcT8dcPqp0XbW+P74vNHNPv31aDsYffeBEG4WIThLXErKCGM/yLQgwZMFseeDsnxOqvRZHRw==');
CREATE TABLE condition (type TEXT PRIMARY KEY, message TEXT NOT NULL, since INTEGER NOT NULL, launcher INTEGER NOT NULL);
CREATE TABLE task (
        kind TEXT NOT NULL, idx INTEGER NOT NULL, status TEXT NOT NULL, not_before INTEGER NOT NULL, winner TEXT,
        row TEXT NOT NULL, input_bytes INTEGER NOT NULL DEFAULT 0, output TEXT, segments BLOB,
        PRIMARY KEY (kind, idx));
INSERT INTO task (kind, idx, status, not_before, winner, row, input_bytes, output, segments) VALUES ('plan', 0, 'completed', 0, '01b8dac5-d3f4-760e-93fe-545d445ab72d-p-0-1', '{"kind":"plan","index":0,"status":"completed","attempts":1,"failures":0,"losses":0,"live":0,"winner":"01b8dac5-d3f4-760e-93fe-545d445ab72d-p-0-1","notBefore":0,"startedAt":1893456008180,"endedAt":1893456008180,"podName":"pod-runner-s","message":"","error":null,"lost":null,"counters":{"builtin":{},"user":{}}}', 0, NULL, NULL);
INSERT INTO task (kind, idx, status, not_before, winner, row, input_bytes, output, segments) VALUES ('map', 0, 'stopped', 0, NULL, '{"kind":"map","index":0,"status":"stopped","attempts":1,"failures":0,"losses":0,"live":1,"winner":null,"notBefore":0,"startedAt":1893456008180,"endedAt":1893456009180.0,"podName":"pod-runner-s","message":"","error":null,"lost":null,"counters":{"builtin":{},"user":{}}}', 100, NULL, NULL);
INSERT INTO task (kind, idx, status, not_before, winner, row, input_bytes, output, segments) VALUES ('map', 1, 'stopped', 0, NULL, '{"kind":"map","index":1,"status":"stopped","attempts":0,"failures":0,"losses":0,"live":0,"winner":null,"notBefore":0,"startedAt":1893456008180,"endedAt":1893456009180.0,"podName":"","message":"","error":null,"lost":null,"counters":{"builtin":{},"user":{}}}', 100, NULL, NULL);
INSERT INTO task (kind, idx, status, not_before, winner, row, input_bytes, output, segments) VALUES ('clean', 0, 'scheduled', 0, NULL, '{"kind":"clean","index":0,"status":"scheduled","attempts":0,"failures":0,"losses":0,"live":0,"winner":null,"notBefore":0,"startedAt":1893456009180,"endedAt":null,"podName":"","message":"","error":null,"lost":null,"counters":{"builtin":{},"user":{}}}', 0, NULL, NULL);
CREATE INDEX task_queue ON task (kind, status, idx);
CREATE INDEX task_later ON task (kind, not_before) WHERE status = 'scheduled' AND not_before > 0;
CREATE TABLE input (map INTEGER PRIMARY KEY, count INTEGER NOT NULL, ranges TEXT NOT NULL);
INSERT INTO input (map, count, ranges) VALUES (0, 1, '[{"path":"http://store/input/0","size":100,"etag":"\"0\"","start":0,"end":100}]');
INSERT INTO input (map, count, ranges) VALUES (1, 1, '[{"path":"http://store/input/1","size":100,"etag":"\"1\"","start":0,"end":100}]');
CREATE TABLE attempt (
        id TEXT PRIMARY KEY, kind TEXT NOT NULL, idx INTEGER NOT NULL, runner TEXT NOT NULL, status TEXT NOT NULL,
        started INTEGER NOT NULL, lease_until INTEGER NOT NULL, linked INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO attempt (id, kind, idx, runner, status, started, lease_until, linked) VALUES ('01b8dac5-d3f4-760e-93fe-545d445ab72d-m-0-1', 'map', 0, 'runner-s', 'revoked', 1893456008180, 1893456038180, 1);
INSERT INTO attempt (id, kind, idx, runner, status, started, lease_until, linked) VALUES ('01b8dac5-d3f4-760e-93fe-545d445ab72d-p-0-1', 'plan', 0, 'runner-s', 'won', 1893456008180, 1893456038180, 1);
CREATE INDEX attempt_open ON attempt (lease_until) WHERE status IN ('live', 'revoked');
CREATE INDEX attempt_runner ON attempt (runner) WHERE status IN ('live', 'revoked');
CREATE INDEX attempt_ended ON attempt (runner) WHERE status = 'ended';
CREATE TABLE upload (
        id INTEGER PRIMARY KEY AUTOINCREMENT, attempt TEXT NOT NULL, path TEXT NOT NULL, upload_id TEXT NOT NULL, handed_to TEXT,
        UNIQUE (attempt, path, upload_id));
INSERT INTO upload (id, attempt, path, upload_id, handed_to) VALUES (1, '01b8dac5-d3f4-760e-93fe-545d445ab72d-m-0-1', 'http://store/out/.edgefold/01b8dac5-d3f4-760e-93fe-545d445ab72d/m-0', 'upload-01b8dac5-d3f4-760e-93fe-545d445ab72d-m-0-1', NULL);
CREATE TABLE outbox (target TEXT PRIMARY KEY, version INTEGER NOT NULL, due INTEGER, tries INTEGER NOT NULL);
INSERT INTO outbox (target, version, due, tries) VALUES ('cluster', 3, NULL, 0);
INSERT INTO outbox (target, version, due, tries) VALUES ('registry', 4, NULL, 0);
CREATE TABLE planned (
        attempt TEXT NOT NULL, page INTEGER NOT NULL, part INTEGER NOT NULL, bytes INTEGER NOT NULL, objects TEXT NOT NULL,
        PRIMARY KEY (attempt, page, part));
