BEGIN TRANSACTION;
CREATE TABLE frontier (
	page_id VARCHAR NOT NULL, 
	run_id VARCHAR NOT NULL, 
	url VARCHAR NOT NULL, 
	position INTEGER NOT NULL, 
	chunk INTEGER, 
	state VARCHAR NOT NULL, 
	reason VARCHAR, 
	tries INTEGER DEFAULT '0' NOT NULL, 
	not_before FLOAT, 
	holder VARCHAR, 
	lease_until FLOAT, 
	leases_lost INTEGER DEFAULT '0' NOT NULL, 
	source_run_id VARCHAR NOT NULL, 
	part VARCHAR, 
	fetched_at FLOAT, 
	status INTEGER, 
	errors INTEGER DEFAULT '0' NOT NULL, 
	warnings INTEGER DEFAULT '0' NOT NULL, 
	notices INTEGER DEFAULT '0' NOT NULL, 
	PRIMARY KEY (page_id, run_id)
)
 WITHOUT ROWID

;
INSERT INTO "frontier" VALUES('394bef02431e228b','20261123-153001-k3f9aa','http://[',2,0,'failed','bad-url',0,NULL,NULL,NULL,0,'20261123-153001-k3f9aa','part-rejected-76358064f70d',NULL,NULL,0,0,0);
INSERT INTO "frontier" VALUES('8c71ef699d131bea','20261123-153001-k3f9aa','https://nowhere.invalid/',1,0,'failed','dns',2,NULL,NULL,NULL,0,'20261123-153001-k3f9aa','part-k-94aa2cd2535a',1795447801.25,NULL,0,0,0);
INSERT INTO "frontier" VALUES('a78443931c48657d','20261123-153001-k3f9aa','https://e.com/tea',0,0,'completed',NULL,1,NULL,NULL,NULL,0,'20261123-153001-k3f9aa','part-k-94aa2cd2535a',1795447801.25,200,0,1,0);
INSERT INTO "frontier" VALUES('a78443931c48657d','20261123-153105-m2xqbb','https://e.com/tea',0,0,'completed',NULL,1,NULL,NULL,NULL,0,'20261123-153001-k3f9aa','part-k-94aa2cd2535a',1795447801.25,200,0,1,0);
CREATE TABLE host_holders (
	host VARCHAR NOT NULL, 
	holder VARCHAR NOT NULL, 
	wanted INTEGER NOT NULL, 
	granted INTEGER NOT NULL, 
	expires_at FLOAT NOT NULL, 
	PRIMARY KEY (host, holder)
);
CREATE TABLE hosts (
	host VARCHAR NOT NULL, 
	next_departure FLOAT NOT NULL, 
	pause_until FLOAT NOT NULL, 
	PRIMARY KEY (host)
);
CREATE TABLE meta (
	store_id VARCHAR NOT NULL, 
	schema_version INTEGER NOT NULL, 
	PRIMARY KEY (store_id)
);
INSERT INTO "meta" VALUES('486e3d5bceb8cd6b',1);
CREATE TABLE notifications (
	id INTEGER NOT NULL, 
	"key" VARCHAR NOT NULL, 
	run_id VARCHAR NOT NULL, 
	user_id VARCHAR NOT NULL, 
	event VARCHAR NOT NULL, 
	title VARCHAR NOT NULL, 
	message TEXT NOT NULL, 
	created_at FLOAT NOT NULL, 
	delivered_at FLOAT, 
	PRIMARY KEY (id), 
	UNIQUE ("key")
);
CREATE TABLE outbox (
	id INTEGER NOT NULL, 
	"key" VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	run_id VARCHAR NOT NULL, 
	payload TEXT NOT NULL, 
	created_at FLOAT NOT NULL, 
	delivered_at FLOAT, 
	PRIMARY KEY (id), 
	UNIQUE ("key")
);
CREATE TABLE pages (
	page_id VARCHAR NOT NULL, 
	project_id VARCHAR NOT NULL, 
	url VARCHAR NOT NULL, 
	url_key VARCHAR NOT NULL, 
	last_run_id VARCHAR NOT NULL, 
	last_fetched_at FLOAT, 
	last_status INTEGER, 
	recipe VARCHAR NOT NULL, 
	etag TEXT, 
	last_modified TEXT, 
	content_hash VARCHAR, 
	PRIMARY KEY (page_id)
);
INSERT INTO "pages" VALUES('a78443931c48657d','default','https://e.com/tea','8acb4d7baab336ba','20261123-153001-k3f9aa',1795447801.25,200,'r1','"v1"',NULL,'0123456789abcdef');
INSERT INTO "pages" VALUES('8c71ef699d131bea','default','https://nowhere.invalid/','859a4960a54ee79d','20261123-153001-k3f9aa',1795447801.25,NULL,'r1',NULL,NULL,NULL);
CREATE TABLE parts (
	table_name VARCHAR NOT NULL, 
	run_id VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	path VARCHAR NOT NULL, 
	rows INTEGER NOT NULL, 
	bytes INTEGER NOT NULL, 
	schema_version INTEGER NOT NULL, 
	live BOOLEAN NOT NULL, 
	created_at FLOAT NOT NULL, 
	PRIMARY KEY (table_name, run_id, name)
);
INSERT INTO "parts" VALUES('pages','20261123-153001-k3f9aa','part-rejected-76358064f70d','facts/pages/20261123-153001-k3f9aa/part-rejected-76358064f70d.parquet',1,20816,1,1,1.79545091197338271141e+09);
INSERT INTO "parts" VALUES('pages','20261123-153001-k3f9aa','part-k-94aa2cd2535a','facts/pages/20261123-153001-k3f9aa/part-k-94aa2cd2535a.parquet',2,25926,1,1,1.79545091201516747469e+09);
INSERT INTO "parts" VALUES('links','20261123-153001-k3f9aa','part-k-94aa2cd2535a','facts/links/20261123-153001-k3f9aa/part-k-94aa2cd2535a.parquet',1,3984,1,1,1.79545091201516747469e+09);
INSERT INTO "parts" VALUES('images','20261123-153001-k3f9aa','part-k-94aa2cd2535a','facts/images/20261123-153001-k3f9aa/part-k-94aa2cd2535a.parquet',1,3852,1,1,1.79545091201516747469e+09);
INSERT INTO "parts" VALUES('structured_data','20261123-153001-k3f9aa','part-k-94aa2cd2535a','facts/structured_data/20261123-153001-k3f9aa/part-k-94aa2cd2535a.parquet',2,3350,1,1,1.79545091201516747469e+09);
INSERT INTO "parts" VALUES('redirects','20261123-153001-k3f9aa','part-k-94aa2cd2535a','facts/redirects/20261123-153001-k3f9aa/part-k-94aa2cd2535a.parquet',1,2935,1,1,1.79545091201516747469e+09);
INSERT INTO "parts" VALUES('issues','20261123-153001-k3f9aa','part-k-94aa2cd2535a','facts/issues/20261123-153001-k3f9aa/part-k-94aa2cd2535a.parquet',1,4506,1,1,1.79545091201516747469e+09);
INSERT INTO "parts" VALUES('results','20261123-153001-k3f9aa','part-k-94aa2cd2535a','facts/results/20261123-153001-k3f9aa/part-k-94aa2cd2535a.parquet',2,2626,1,1,1.79545091201516747469e+09);
INSERT INTO "parts" VALUES('html','20261123-153001-k3f9aa','part-k-94aa2cd2535a','facts/html/20261123-153001-k3f9aa/part-k-94aa2cd2535a.parquet',1,2255,1,1,1.79545091201516747469e+09);
INSERT INTO "parts" VALUES('linked','20261123-153105-m2xqbb','part-linked-e6f055751bd9','facts/linked/20261123-153105-m2xqbb/part-linked-e6f055751bd9.parquet',1,1657,1,1,1.79545091202513813974e+09);
CREATE TABLE projects (
	project_id VARCHAR NOT NULL, 
	created_at FLOAT NOT NULL, 
	PRIMARY KEY (project_id)
);
INSERT INTO "projects" VALUES('default',1.79545091197030115123e+09);
CREATE TABLE prompt_templates (
	name VARCHAR NOT NULL, 
	version INTEGER NOT NULL, 
	template TEXT NOT NULL, 
	created_at FLOAT NOT NULL, 
	PRIMARY KEY (name, version)
);
CREATE TABLE recommendations (
	id INTEGER NOT NULL, 
	run_id VARCHAR NOT NULL, 
	page_id VARCHAR NOT NULL, 
	url VARCHAR NOT NULL, 
	rule VARCHAR NOT NULL, 
	priority VARCHAR NOT NULL, 
	title VARCHAR NOT NULL, 
	message TEXT NOT NULL, 
	source VARCHAR NOT NULL, 
	created_at FLOAT NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE requests (
	request_id VARCHAR NOT NULL, 
	run_id VARCHAR NOT NULL, 
	claimed_at FLOAT NOT NULL, 
	PRIMARY KEY (request_id)
);
CREATE TABLE runs (
	run_id VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	project_id VARCHAR NOT NULL, 
	user_id VARCHAR NOT NULL, 
	batch_id VARCHAR NOT NULL, 
	recipe VARCHAR NOT NULL, 
	epoch INTEGER NOT NULL, 
	state VARCHAR NOT NULL, 
	stop_requested BOOLEAN NOT NULL, 
	options TEXT NOT NULL, 
	total INTEGER DEFAULT '0' NOT NULL, 
	linked INTEGER DEFAULT '0' NOT NULL, 
	errors INTEGER DEFAULT '0' NOT NULL, 
	warnings INTEGER DEFAULT '0' NOT NULL, 
	notices INTEGER DEFAULT '0' NOT NULL, 
	started_at FLOAT NOT NULL, 
	finished_at FLOAT, 
	first_request_at FLOAT, 
	last_commit_at FLOAT, 
	fetched_before INTEGER DEFAULT '0' NOT NULL, 
	pages_per_second FLOAT, 
	incomplete BOOLEAN NOT NULL, 
	incomplete_reason TEXT, 
	error TEXT, 
	prefect_flow_run_id VARCHAR, 
	parent_pid INTEGER, 
	PRIMARY KEY (run_id)
);
INSERT INTO "runs" VALUES('20261123-153001-k3f9aa','batch','default','local','b1','r1',1,'completed',0,'{}',3,0,0,1,0,1.79545091197030115123e+09,1.79545091201990580564e+09,NULL,1.79545091201516747469e+09,0,NULL,0,NULL,NULL,NULL,NULL);
INSERT INTO "runs" VALUES('20261123-153105-m2xqbb','batch','default','local','b2','r1',1,'completed',0,'{}',1,1,0,1,0,1.79545091202245402335e+09,1.79545091203042864796e+09,NULL,NULL,0,NULL,0,NULL,NULL,NULL,NULL);
CREATE INDEX ix_runs_batch_id ON runs (batch_id);
CREATE INDEX frontier_work ON frontier (run_id, chunk, state, position);
CREATE INDEX frontier_states ON frontier (run_id, state, reason);
CREATE INDEX frontier_order ON frontier (run_id, position);
CREATE INDEX host_holders_holder ON host_holders (holder);
CREATE INDEX ix_recommendations_run_id ON recommendations (run_id);
COMMIT;
