-- JobObject 01b8dac5-e3e4-7110-b632-c5db5e2d3bfa
-- written: 1893456021450
-- alarm: 1893456012260
CREATE TABLE job (id INTEGER PRIMARY KEY CHECK (id = 1), spec TEXT NOT NULL, row TEXT NOT NULL, input_bytes INTEGER NOT NULL);
INSERT INTO job (id, spec, row, input_bytes) VALUES (1, '{"id":"01b8dac5-e3e4-7110-b632-c5db5e2d3bfa","createdAt":1893456012260,"submittedBy":"alice","cluster":"default","request":{"inputPath":"http://store/input/","inputType":"file/txt","outputPath":"http://store/out","useSSL":false,"mapperName":"mapper","reducerName":"reducer","nReducers":2,"splitSize":100,"combineInputs":false,"maxAttempts":4,"maxFailedMapsPercent":0,"speculation":true,"taskTimeoutSeconds":600},"credentialSecrets":[],"programs":{"mapper":{"name":"mapper","type":"executable","size":23,"hash":"c2b3d70cd85464b945af475aabc3fd534e5a3be58229652dc656e994172301d9","key":"00000000-0000-4000-8000-000000000001"},"reducer":{"name":"reducer","type":"executable","size":24,"hash":"0572c0f527b9a9b56d30ce3990d7a8acea08182e8512278af5cf1eddcb24f64e","key":"00000000-0000-4000-8000-000000000002"}}}', '{"id":"01b8dac5-e3e4-7110-b632-c5db5e2d3bfa","status":"reducing","mapOnly":false,"nReducers":2,"parallelism":null,"maxAttempts":4,"maxFailedMapsPercent":0,"speculation":true,"maps":{"total":2,"running":0,"completed":2,"failed":0},"reduces":{"total":2,"running":1,"completed":1,"failed":0},"commits":{"total":0,"completed":0},"created":{"reduces":true,"commits":false},"open":1,"touched":true,"clean":"unneeded","released":false,"endedAt":null,"error":null,"counters":{"builtin":{},"user":{}},"failedMaps":[],"pace":{"map":{"attempts":2,"ms":0},"reduce":{"attempts":1,"ms":2000}},"alike":null}', 200);
CREATE TABLE secret (sealed TEXT NOT NULL);
INSERT INTO secret (sealed) VALUES ('5611c630d558ac6e.Z8UM1uEALiY9eT9+MDIrJPNWoLhTHDe+zHBarJs+Ou99UlzEQdKzdu++DU1cJCfNqPvzGUNSPcSMchPbeF441PIfr0ny4y1O2c/rx2FdZfV/pU1dcDzzAJmLfnPdx3GVrr4w5PQ9kFYZ1GPV346Iu5JekE3/tzNhFPfKLbKt9ii/fSYeQmb91EVCQcQkbg==');
CREATE TABLE condition (type TEXT PRIMARY KEY, message TEXT NOT NULL, since INTEGER NOT NULL, launcher INTEGER NOT NULL);
CREATE TABLE task (
        kind TEXT NOT NULL, idx INTEGER NOT NULL, status TEXT NOT NULL, not_before INTEGER NOT NULL, winner TEXT,
        row TEXT NOT NULL, input_bytes INTEGER NOT NULL DEFAULT 0, output TEXT, segments BLOB,
        PRIMARY KEY (kind, idx));
INSERT INTO task (kind, idx, status, not_before, winner, row, input_bytes, output, segments) VALUES ('plan', 0, 'completed', 0, '01b8dac5-e3e4-7110-b632-c5db5e2d3bfa-p-0-1', '{"kind":"plan","index":0,"status":"completed","attempts":1,"failures":0,"losses":0,"live":0,"winner":"01b8dac5-e3e4-7110-b632-c5db5e2d3bfa-p-0-1","notBefore":0,"startedAt":1893456012260,"endedAt":1893456012260,"podName":"pod-runner-r","message":"","error":null,"lost":null,"counters":{"builtin":{},"user":{}}}', 0, NULL, NULL);
INSERT INTO task (kind, idx, status, not_before, winner, row, input_bytes, output, segments) VALUES ('map', 0, 'completed', 0, '01b8dac5-e3e4-7110-b632-c5db5e2d3bfa-m-0-1', '{"kind":"map","index":0,"status":"completed","attempts":1,"failures":0,"losses":0,"live":0,"winner":"01b8dac5-e3e4-7110-b632-c5db5e2d3bfa-m-0-1","notBefore":0,"startedAt":1893456012260,"endedAt":1893456012260,"podName":"pod-runner-r","message":"","error":null,"lost":null,"counters":{"builtin":{},"user":{}}}', 100, '{"path":"http://store/shuffle/01b8dac5-e3e4-7110-b632-c5db5e2d3bfa-m-0-1","largestBlock":20}', X'00000000000000004024000000000000403e000000000000');
INSERT INTO task (kind, idx, status, not_before, winner, row, input_bytes, output, segments) VALUES ('map', 1, 'completed', 0, '01b8dac5-e3e4-7110-b632-c5db5e2d3bfa-m-1-1', '{"kind":"map","index":1,"status":"completed","attempts":1,"failures":0,"losses":0,"live":0,"winner":"01b8dac5-e3e4-7110-b632-c5db5e2d3bfa-m-1-1","notBefore":0,"startedAt":1893456012260,"endedAt":1893456012260,"podName":"pod-runner-r","message":"","error":null,"lost":null,"counters":{"builtin":{},"user":{}}}', 100, '{"path":"http://store/shuffle/01b8dac5-e3e4-7110-b632-c5db5e2d3bfa-m-1-1","largestBlock":20}', X'00000000000000004024000000000000403e000000000000');
INSERT INTO task (kind, idx, status, not_before, winner, row, input_bytes, output, segments) VALUES ('reduce', 0, 'completed', 0, '01b8dac5-e3e4-7110-b632-c5db5e2d3bfa-r-0-1', '{"kind":"reduce","index":0,"status":"completed","attempts":1,"failures":0,"losses":0,"live":0,"winner":"01b8dac5-e3e4-7110-b632-c5db5e2d3bfa-r-0-1","notBefore":0,"startedAt":1893456012260,"endedAt":1893456014260,"podName":"pod-runner-r","message":"","error":null,"lost":null,"counters":{"builtin":{},"user":{}}}', 20, '{"path":"http://store/out/part-0","uploadId":"upload-01b8dac5-e3e4-7110-b632-c5db5e2d3bfa-r-0-1","tags":["a"]}', NULL);
INSERT INTO task (kind, idx, status, not_before, winner, row, input_bytes, output, segments) VALUES ('reduce', 1, 'in-progress', 0, NULL, '{"kind":"reduce","index":1,"status":"in-progress","attempts":1,"failures":0,"losses":0,"live":1,"winner":null,"notBefore":0,"startedAt":1893456014260,"endedAt":null,"podName":"pod-runner-r","message":"","error":null,"lost":null,"counters":{"builtin":{},"user":{}}}', 40, NULL, NULL);
CREATE INDEX task_queue ON task (kind, status, idx);
CREATE INDEX task_later ON task (kind, not_before) WHERE status = 'scheduled' AND not_before > 0;
CREATE TABLE input (map INTEGER PRIMARY KEY, count INTEGER NOT NULL, ranges TEXT NOT NULL);
INSERT INTO input (map, count, ranges) VALUES (0, 1, '[{"path":"http://store/input/0","size":100,"etag":"\"0\"","start":0,"end":100}]');
INSERT INTO input (map, count, ranges) VALUES (1, 1, '[{"path":"http://store/input/1","size":100,"etag":"\"1\"","start":0,"end":100}]');
CREATE TABLE attempt (
        id TEXT PRIMARY KEY, kind TEXT NOT NULL, idx INTEGER NOT NULL, runner TEXT NOT NULL, status TEXT NOT NULL,
        started INTEGER NOT NULL, lease_until INTEGER NOT NULL, linked INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO attempt (id, kind, idx, runner, status, started, lease_until, linked) VALUES ('01b8dac5-e3e4-7110-b632-c5db5e2d3bfa-m-0-1', 'map', 0, 'runner-r', 'won', 1893456012260, 1893456042260, 1);
INSERT INTO attempt (id, kind, idx, runner, status, started, lease_until, linked) VALUES ('01b8dac5-e3e4-7110-b632-c5db5e2d3bfa-m-1-1', 'map', 1, 'runner-r', 'won', 1893456012260, 1893456042260, 1);
INSERT INTO attempt (id, kind, idx, runner, status, started, lease_until, linked) VALUES ('01b8dac5-e3e4-7110-b632-c5db5e2d3bfa-p-0-1', 'plan', 0, 'runner-r', 'won', 1893456012260, 1893456042260, 1);
INSERT INTO attempt (id, kind, idx, runner, status, started, lease_until, linked) VALUES ('01b8dac5-e3e4-7110-b632-c5db5e2d3bfa-r-0-1', 'reduce', 0, 'runner-r', 'won', 1893456012260, 1893456042260, 1);
INSERT INTO attempt (id, kind, idx, runner, status, started, lease_until, linked) VALUES ('01b8dac5-e3e4-7110-b632-c5db5e2d3bfa-r-1-1', 'reduce', 1, 'runner-r', 'live', 1893456014260, 1893456044260, 1);
CREATE INDEX attempt_open ON attempt (lease_until) WHERE status IN ('live', 'revoked');
CREATE INDEX attempt_runner ON attempt (runner) WHERE status IN ('live', 'revoked');
CREATE INDEX attempt_ended ON attempt (runner) WHERE status = 'ended';
CREATE TABLE upload (
        id INTEGER PRIMARY KEY AUTOINCREMENT, attempt TEXT NOT NULL, path TEXT NOT NULL, upload_id TEXT NOT NULL, handed_to TEXT,
        UNIQUE (attempt, path, upload_id));
INSERT INTO upload (id, attempt, path, upload_id, handed_to) VALUES (1, '01b8dac5-e3e4-7110-b632-c5db5e2d3bfa-r-0-1', 'http://store/out/part-0', 'upload-01b8dac5-e3e4-7110-b632-c5db5e2d3bfa-r-0-1', NULL);
INSERT INTO upload (id, attempt, path, upload_id, handed_to) VALUES (2, '01b8dac5-e3e4-7110-b632-c5db5e2d3bfa-r-1-1', 'http://store/out/part-1', 'upload-01b8dac5-e3e4-7110-b632-c5db5e2d3bfa-r-1-1', NULL);
CREATE TABLE outbox (target TEXT PRIMARY KEY, version INTEGER NOT NULL, due INTEGER, tries INTEGER NOT NULL);
INSERT INTO outbox (target, version, due, tries) VALUES ('cluster', 3, NULL, 0);
INSERT INTO outbox (target, version, due, tries) VALUES ('registry', 4, NULL, 0);
CREATE TABLE planned (
        attempt TEXT NOT NULL, page INTEGER NOT NULL, part INTEGER NOT NULL, bytes INTEGER NOT NULL, objects TEXT NOT NULL,
        PRIMARY KEY (attempt, page, part));
