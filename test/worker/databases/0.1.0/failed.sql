-- JobObject 01b8dac5-cbfc-760e-b479-ac547560199c
-- written: 1893456021450
-- alarm: 1893456006140
CREATE TABLE job (id INTEGER PRIMARY KEY CHECK (id = 1), spec TEXT NOT NULL, row TEXT NOT NULL, input_bytes INTEGER NOT NULL);
INSERT INTO job (id, spec, row, input_bytes) VALUES (1, '{"id":"01b8dac5-cbfc-760e-b479-ac547560199c","createdAt":1893456006140,"submittedBy":"alice","cluster":"default","request":{"inputPath":"http://store/input/","inputType":"file/txt","outputPath":"http://store/out","useSSL":false,"mapperName":"replaced","reducerName":"reducer","nReducers":2,"splitSize":100,"combineInputs":false,"maxAttempts":4,"maxFailedMapsPercent":0,"speculation":true,"taskTimeoutSeconds":600},"credentialSecrets":[],"programs":{"mapper":{"name":"replaced","type":"executable","size":22,"hash":"6bd4d7601104c14e09ccc1fa2eb2f6415a0ee94f21e50676ad2593ce93cac888","key":"00000000-0000-4000-8000-000000000004"},"reducer":{"name":"reducer","type":"executable","size":24,"hash":"0572c0f527b9a9b56d30ce3990d7a8acea08182e8512278af5cf1eddcb24f64e","key":"00000000-0000-4000-8000-000000000002"}}}', '{"id":"01b8dac5-cbfc-760e-b479-ac547560199c","status":"failed","mapOnly":false,"nReducers":2,"parallelism":null,"maxAttempts":4,"maxFailedMapsPercent":0,"speculation":true,"maps":{"total":2,"running":0,"completed":0,"failed":1},"reduces":{"total":2,"running":0,"completed":0,"failed":0},"commits":{"total":0,"completed":0},"created":{"reduces":false,"commits":false},"open":0,"touched":true,"clean":"done","released":true,"endedAt":1893456007140,"error":{"code":"ProgramFailed","message":"the program ended with exit code 1","taskId":"01b8dac5-cbfc-760e-b479-ac547560199c-m-0"},"counters":{"builtin":{},"user":{}},"failedMaps":[],"pace":{"map":{"attempts":0,"ms":0},"reduce":{"attempts":0,"ms":0}},"alike":{"failure":"map ProgramFailed the program ended with exit code #","tasks":[0]}}', 200);
CREATE TABLE secret (sealed TEXT NOT NULL);
CREATE TABLE condition (type TEXT PRIMARY KEY, message TEXT NOT NULL, since INTEGER NOT NULL, launcher INTEGER NOT NULL);
CREATE TABLE task (
        kind TEXT NOT NULL, idx INTEGER NOT NULL, status TEXT NOT NULL, not_before INTEGER NOT NULL, winner TEXT,
        row TEXT NOT NULL, input_bytes INTEGER NOT NULL DEFAULT 0, output TEXT, segments BLOB,
        PRIMARY KEY (kind, idx));
INSERT INTO task (kind, idx, status, not_before, winner, row, input_bytes, output, segments) VALUES ('plan', 0, 'completed', 0, '01b8dac5-cbfc-760e-b479-ac547560199c-p-0-1', '{"kind":"plan","index":0,"status":"completed","attempts":1,"failures":0,"losses":0,"live":0,"winner":"01b8dac5-cbfc-760e-b479-ac547560199c-p-0-1","notBefore":0,"startedAt":1893456006140,"endedAt":1893456006140,"podName":"pod-runner-f","message":"","error":null,"lost":null,"counters":{"builtin":{},"user":{}}}', 0, NULL, NULL);
INSERT INTO task (kind, idx, status, not_before, winner, row, input_bytes, output, segments) VALUES ('map', 0, 'failed', 0, NULL, '{"kind":"map","index":0,"status":"failed","attempts":1,"failures":1,"losses":0,"live":0,"winner":null,"notBefore":0,"startedAt":1893456006140,"endedAt":1893456007140,"podName":"pod-runner-f","message":"","error":{"code":"ProgramFailed","message":"the program ended with exit code 1","taskId":"01b8dac5-cbfc-760e-b479-ac547560199c-m-0"},"lost":null,"counters":{"builtin":{},"user":{}}}', 100, NULL, NULL);
INSERT INTO task (kind, idx, status, not_before, winner, row, input_bytes, output, segments) VALUES ('map', 1, 'stopped', 0, NULL, '{"kind":"map","index":1,"status":"stopped","attempts":0,"failures":0,"losses":0,"live":0,"winner":null,"notBefore":0,"startedAt":1893456006140,"endedAt":1893456007140.0,"podName":"","message":"","error":null,"lost":null,"counters":{"builtin":{},"user":{}}}', 100, NULL, NULL);
INSERT INTO task (kind, idx, status, not_before, winner, row, input_bytes, output, segments) VALUES ('clean', 0, 'completed', 0, '01b8dac5-cbfc-760e-b479-ac547560199c-x-0-1', '{"kind":"clean","index":0,"status":"completed","attempts":1,"failures":0,"losses":0,"live":0,"winner":"01b8dac5-cbfc-760e-b479-ac547560199c-x-0-1","notBefore":0,"startedAt":1893456007140,"endedAt":1893456007140,"podName":"pod-runner-f","message":"","error":null,"lost":null,"counters":{"builtin":{},"user":{}}}', 0, NULL, NULL);
CREATE INDEX task_queue ON task (kind, status, idx);
CREATE INDEX task_later ON task (kind, not_before) WHERE status = 'scheduled' AND not_before > 0;
CREATE TABLE input (map INTEGER PRIMARY KEY, count INTEGER NOT NULL, ranges TEXT NOT NULL);
INSERT INTO input (map, count, ranges) VALUES (0, 1, '[{"path":"http://store/input/0","size":100,"etag":"\"0\"","start":0,"end":100}]');
INSERT INTO input (map, count, ranges) VALUES (1, 1, '[{"path":"http://store/input/1","size":100,"etag":"\"1\"","start":0,"end":100}]');
CREATE TABLE attempt (
        id TEXT PRIMARY KEY, kind TEXT NOT NULL, idx INTEGER NOT NULL, runner TEXT NOT NULL, status TEXT NOT NULL,
        started INTEGER NOT NULL, lease_until INTEGER NOT NULL, linked INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO attempt (id, kind, idx, runner, status, started, lease_until, linked) VALUES ('01b8dac5-cbfc-760e-b479-ac547560199c-m-0-1', 'map', 0, 'runner-f', 'ended', 1893456006140, 1893456036140, 1);
INSERT INTO attempt (id, kind, idx, runner, status, started, lease_until, linked) VALUES ('01b8dac5-cbfc-760e-b479-ac547560199c-p-0-1', 'plan', 0, 'runner-f', 'won', 1893456006140, 1893456036140, 1);
INSERT INTO attempt (id, kind, idx, runner, status, started, lease_until, linked) VALUES ('01b8dac5-cbfc-760e-b479-ac547560199c-x-0-1', 'clean', 0, 'runner-f', 'won', 1893456007140, 1893456037140, 1);
CREATE INDEX attempt_open ON attempt (lease_until) WHERE status IN ('live', 'revoked');
CREATE INDEX attempt_runner ON attempt (runner) WHERE status IN ('live', 'revoked');
CREATE INDEX attempt_ended ON attempt (runner) WHERE status = 'ended';
CREATE TABLE upload (
        id INTEGER PRIMARY KEY AUTOINCREMENT, attempt TEXT NOT NULL, path TEXT NOT NULL, upload_id TEXT NOT NULL, handed_to TEXT,
        UNIQUE (attempt, path, upload_id));
CREATE TABLE outbox (target TEXT PRIMARY KEY, version INTEGER NOT NULL, due INTEGER, tries INTEGER NOT NULL);
INSERT INTO outbox (target, version, due, tries) VALUES ('cluster', 4, NULL, 0);
INSERT INTO outbox (target, version, due, tries) VALUES ('registry', 5, NULL, 0);
CREATE TABLE planned (
        attempt TEXT NOT NULL, page INTEGER NOT NULL, part INTEGER NOT NULL, bytes INTEGER NOT NULL, objects TEXT NOT NULL,
        PRIMARY KEY (attempt, page, part));
