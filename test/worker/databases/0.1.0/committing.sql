-- JobObject 01b8dac5-dbec-72c6-9031-334a3b4984f0
-- written: 1893456021450
-- alarm: 1893456010220
CREATE TABLE job (id INTEGER PRIMARY KEY CHECK (id = 1), spec TEXT NOT NULL, row TEXT NOT NULL, input_bytes INTEGER NOT NULL);
INSERT INTO job (id, spec, row, input_bytes) VALUES (1, '{"id":"01b8dac5-dbec-72c6-9031-334a3b4984f0","createdAt":1893456010220,"submittedBy":"alice","cluster":"default","request":{"inputPath":"http://store/input/","inputType":"file/txt","outputPath":"http://store/out","useSSL":false,"mapperName":"mapper","nReducers":0,"splitSize":100,"combineInputs":false,"maxAttempts":4,"maxFailedMapsPercent":0,"speculation":true,"taskTimeoutSeconds":600},"credentialSecrets":[],"programs":{"mapper":{"name":"mapper","type":"executable","size":23,"hash":"c2b3d70cd85464b945af475aabc3fd534e5a3be58229652dc656e994172301d9","key":"00000000-0000-4000-8000-000000000001"}}}', '{"id":"01b8dac5-dbec-72c6-9031-334a3b4984f0","status":"committing","mapOnly":true,"nReducers":0,"parallelism":null,"maxAttempts":4,"maxFailedMapsPercent":0,"speculation":true,"maps":{"total":2,"running":0,"completed":2,"failed":0},"reduces":{"total":0,"running":0,"completed":0,"failed":0},"commits":{"total":1,"completed":0},"created":{"reduces":false,"commits":true},"open":1,"touched":true,"clean":"unneeded","released":false,"endedAt":null,"error":null,"counters":{"builtin":{},"user":{}},"failedMaps":[],"pace":{"map":{"attempts":2,"ms":1000},"reduce":{"attempts":0,"ms":0}},"alike":null}', 200);
CREATE TABLE secret (sealed TEXT NOT NULL);
INSERT INTO secret (sealed) VALUES ('5611c630d558ac6e.8OzDOiOdMo4be3cJWJfIzG3zpCs8vL2wI/QwxSEsjaq3H4SoQrTodo1J2NCmN1B5wSnmbDg6LvZvo06OyaysNIlBuObSPLnC2boiiGtdNDJxc+Ij4RTq5T7gzy7Hi2vq0uqr+LYicnQtVOJyCyiES4nL+w4XdHmtMxjipeDwmCDplS/lF6NCLSp/R24rdQ==');
CREATE TABLE condition (type TEXT PRIMARY KEY, message TEXT NOT NULL, since INTEGER NOT NULL, launcher INTEGER NOT NULL);
CREATE TABLE task (
        kind TEXT NOT NULL, idx INTEGER NOT NULL, status TEXT NOT NULL, not_before INTEGER NOT NULL, winner TEXT,
        row TEXT NOT NULL, input_bytes INTEGER NOT NULL DEFAULT 0, output TEXT, segments BLOB,
        PRIMARY KEY (kind, idx));
INSERT INTO task (kind, idx, status, not_before, winner, row, input_bytes, output, segments) VALUES ('plan', 0, 'completed', 0, '01b8dac5-dbec-72c6-9031-334a3b4984f0-p-0-1', '{"kind":"plan","index":0,"status":"completed","attempts":1,"failures":0,"losses":0,"live":0,"winner":"01b8dac5-dbec-72c6-9031-334a3b4984f0-p-0-1","notBefore":0,"startedAt":1893456010220,"endedAt":1893456010220,"podName":"pod-runner-w","message":"","error":null,"lost":null,"counters":{"builtin":{},"user":{}}}', 0, NULL, NULL);
INSERT INTO task (kind, idx, status, not_before, winner, row, input_bytes, output, segments) VALUES ('map', 0, 'completed', 0, '01b8dac5-dbec-72c6-9031-334a3b4984f0-m-0-1', '{"kind":"map","index":0,"status":"completed","attempts":1,"failures":0,"losses":0,"live":0,"winner":"01b8dac5-dbec-72c6-9031-334a3b4984f0-m-0-1","notBefore":0,"startedAt":1893456010220,"endedAt":1893456010720,"podName":"pod-runner-w","message":"","error":null,"lost":null,"counters":{"builtin":{},"user":{}}}', 100, '{"path":"http://store/out/part-m-00000","uploadId":"upload-01b8dac5-dbec-72c6-9031-334a3b4984f0-m-0-1","tags":["a","b"]}', NULL);
INSERT INTO task (kind, idx, status, not_before, winner, row, input_bytes, output, segments) VALUES ('map', 1, 'completed', 0, '01b8dac5-dbec-72c6-9031-334a3b4984f0-m-1-1', '{"kind":"map","index":1,"status":"completed","attempts":1,"failures":0,"losses":0,"live":0,"winner":"01b8dac5-dbec-72c6-9031-334a3b4984f0-m-1-1","notBefore":0,"startedAt":1893456010720,"endedAt":1893456011220,"podName":"pod-runner-w","message":"","error":null,"lost":null,"counters":{"builtin":{},"user":{}}}', 100, '{"path":"http://store/out/part-m-00001","uploadId":"upload-01b8dac5-dbec-72c6-9031-334a3b4984f0-m-1-1","tags":["a","b"]}', NULL);
INSERT INTO task (kind, idx, status, not_before, winner, row, input_bytes, output, segments) VALUES ('commit', 0, 'in-progress', 0, NULL, '{"kind":"commit","index":0,"status":"in-progress","attempts":1,"failures":0,"losses":0,"live":1,"winner":null,"notBefore":0,"startedAt":1893456011220,"endedAt":null,"podName":"pod-runner-w","message":"","error":null,"lost":null,"counters":{"builtin":{},"user":{}}}', 0, NULL, NULL);
INSERT INTO task (kind, idx, status, not_before, winner, row, input_bytes, output, segments) VALUES ('success', 0, 'scheduled', 0, NULL, '{"kind":"success","index":0,"status":"scheduled","attempts":0,"failures":0,"losses":0,"live":0,"winner":null,"notBefore":0,"startedAt":1893456011220,"endedAt":null,"podName":"","message":"","error":null,"lost":null,"counters":{"builtin":{},"user":{}}}', 0, NULL, NULL);
CREATE INDEX task_queue ON task (kind, status, idx);
CREATE INDEX task_later ON task (kind, not_before) WHERE status = 'scheduled' AND not_before > 0;
CREATE TABLE input (map INTEGER PRIMARY KEY, count INTEGER NOT NULL, ranges TEXT NOT NULL);
INSERT INTO input (map, count, ranges) VALUES (0, 1, '[{"path":"http://store/input/0","size":100,"etag":"\"0\"","start":0,"end":100}]');
INSERT INTO input (map, count, ranges) VALUES (1, 1, '[{"path":"http://store/input/1","size":100,"etag":"\"1\"","start":0,"end":100}]');
CREATE TABLE attempt (
        id TEXT PRIMARY KEY, kind TEXT NOT NULL, idx INTEGER NOT NULL, runner TEXT NOT NULL, status TEXT NOT NULL,
        started INTEGER NOT NULL, lease_until INTEGER NOT NULL, linked INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO attempt (id, kind, idx, runner, status, started, lease_until, linked) VALUES ('01b8dac5-dbec-72c6-9031-334a3b4984f0-c-0-1', 'commit', 0, 'runner-w', 'live', 1893456011220, 1893456041220, 1);
INSERT INTO attempt (id, kind, idx, runner, status, started, lease_until, linked) VALUES ('01b8dac5-dbec-72c6-9031-334a3b4984f0-m-0-1', 'map', 0, 'runner-w', 'won', 1893456010220, 1893456040220, 1);
INSERT INTO attempt (id, kind, idx, runner, status, started, lease_until, linked) VALUES ('01b8dac5-dbec-72c6-9031-334a3b4984f0-m-1-1', 'map', 1, 'runner-w', 'won', 1893456010720, 1893456040720, 1);
INSERT INTO attempt (id, kind, idx, runner, status, started, lease_until, linked) VALUES ('01b8dac5-dbec-72c6-9031-334a3b4984f0-p-0-1', 'plan', 0, 'runner-w', 'won', 1893456010220, 1893456040220, 1);
CREATE INDEX attempt_open ON attempt (lease_until) WHERE status IN ('live', 'revoked');
CREATE INDEX attempt_runner ON attempt (runner) WHERE status IN ('live', 'revoked');
CREATE INDEX attempt_ended ON attempt (runner) WHERE status = 'ended';
CREATE TABLE upload (
        id INTEGER PRIMARY KEY AUTOINCREMENT, attempt TEXT NOT NULL, path TEXT NOT NULL, upload_id TEXT NOT NULL, handed_to TEXT,
        UNIQUE (attempt, path, upload_id));
INSERT INTO upload (id, attempt, path, upload_id, handed_to) VALUES (1, '01b8dac5-dbec-72c6-9031-334a3b4984f0-m-0-1', 'http://store/out/part-m-00000', 'upload-01b8dac5-dbec-72c6-9031-334a3b4984f0-m-0-1', NULL);
INSERT INTO upload (id, attempt, path, upload_id, handed_to) VALUES (2, '01b8dac5-dbec-72c6-9031-334a3b4984f0-m-1-1', 'http://store/out/part-m-00001', 'upload-01b8dac5-dbec-72c6-9031-334a3b4984f0-m-1-1', NULL);
CREATE TABLE outbox (target TEXT PRIMARY KEY, version INTEGER NOT NULL, due INTEGER, tries INTEGER NOT NULL);
INSERT INTO outbox (target, version, due, tries) VALUES ('cluster', 3, NULL, 0);
INSERT INTO outbox (target, version, due, tries) VALUES ('registry', 4, NULL, 0);
CREATE TABLE planned (
        attempt TEXT NOT NULL, page INTEGER NOT NULL, part INTEGER NOT NULL, bytes INTEGER NOT NULL, objects TEXT NOT NULL,
        PRIMARY KEY (attempt, page, part));
