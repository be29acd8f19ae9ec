-- ClusterObject default
-- written: 1893456021450
-- alarm: none
CREATE TABLE wanted_job (seq INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT UNIQUE NOT NULL, wanted TEXT NOT NULL);
INSERT INTO wanted_job (seq, job, wanted) VALUES (10, '01b8dac5-d3f4-760e-93fe-545d445ab72d', '{"jobId":"01b8dac5-d3f4-760e-93fe-545d445ab72d","version":3,"runners":1,"token":"01b8dac5-d3f4-760e-93fe-545d445ab72d.1925164809.HvEqJ5eaByJ-pmCEFJQCh-swN729bZI_kcs3NeC36qw","pods":{"credentialSecrets":[]}}');
INSERT INTO wanted_job (seq, job, wanted) VALUES (13, '01b8dac5-dbec-72c6-9031-334a3b4984f0', '{"jobId":"01b8dac5-dbec-72c6-9031-334a3b4984f0","version":3,"runners":1,"token":"01b8dac5-dbec-72c6-9031-334a3b4984f0.1925164811.g6B58L7phGVMxx2vlo07X1D_5X8iY25kuqq5G0yZ9io","pods":{"credentialSecrets":[]}}');
INSERT INTO wanted_job (seq, job, wanted) VALUES (16, '01b8dac5-e3e4-7110-b632-c5db5e2d3bfa', '{"jobId":"01b8dac5-e3e4-7110-b632-c5db5e2d3bfa","version":3,"runners":2,"token":"01b8dac5-e3e4-7110-b632-c5db5e2d3bfa.1925164813.b_ALPOekhVTZaKMb_0LMw0LIgDhLkJSZgUW_SGzaGaM","pods":{"credentialSecrets":[]}}');
INSERT INTO wanted_job (seq, job, wanted) VALUES (19, '01b8dac5-efb0-75a1-bfa7-d2720149746b', '{"jobId":"01b8dac5-efb0-75a1-bfa7-d2720149746b","version":2,"runners":5,"token":"01b8dac5-efb0-75a1-bfa7-d2720149746b.1925164816.hkwe0t89RkUyG8QfelKIKqOcuwITtuiaMSmFlQX65LM","pods":{"credentialSecrets":[]}}');
INSERT INTO wanted_job (seq, job, wanted) VALUES (21, '01b8dac5-ffc8-70f6-925a-bfe67d21fc52', '{"jobId":"01b8dac5-ffc8-70f6-925a-bfe67d21fc52","version":1,"runners":1,"token":"01b8dac5-ffc8-70f6-925a-bfe67d21fc52.1925164820.ZB4RtB34m93MqbPVeoqsgeJ3LURYZTWSWqO0S8vVSmQ","pods":{"credentialSecrets":[]}}');
CREATE TABLE removal (job TEXT PRIMARY KEY);
INSERT INTO removal (job) VALUES ('01b8dac5-c008-76db-90f1-62ebcf52193c');
CREATE TABLE cluster (id INTEGER PRIMARY KEY CHECK (id = 1), cluster_id TEXT, absent_since INTEGER);
INSERT INTO cluster (id, cluster_id, absent_since) VALUES (1, 'cluster-uid', 1893456000000);
CREATE TABLE agent (id INTEGER PRIMARY KEY CHECK (id = 1), hello TEXT, contact INTEGER, problem TEXT);
INSERT INTO agent (id, hello, contact, problem) VALUES (1, '{"kind":"hello","id":1,"version":3,"release":"0.1.0","clusterId":"cluster-uid","launcher":"kubernetes","capacity":50}', 1893456001000, NULL);
