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
	found_by VARCHAR DEFAULT 'list' NOT NULL, 
	depth INTEGER, 
	redirects BOOLEAN DEFAULT '0' NOT NULL, 
	location TEXT, 
	PRIMARY KEY (page_id, run_id)
)
 WITHOUT ROWID

;
INSERT INTO "frontier" VALUES('394bef02431e228b','20261123-153001-k3f9aa','http://[',2,NULL,'failed','bad-url',0,NULL,NULL,NULL,0,'20261123-153001-k3f9aa','part-rejected-c625acf4b400',NULL,NULL,0,0,0,'list',NULL,0,NULL);
INSERT INTO "frontier" VALUES('8c71ef699d131bea','20261123-153001-k3f9aa','https://nowhere.invalid/',1,NULL,'failed','dns',2,NULL,NULL,NULL,0,'20261123-153001-k3f9aa','part-k-9a6513f84395',1795447801.25,NULL,0,0,0,'link',1,0,NULL);
INSERT INTO "frontier" VALUES('a78443931c48657d','20261123-153001-k3f9aa','https://e.com/tea',0,NULL,'completed',NULL,1,NULL,NULL,NULL,0,'20261123-153001-k3f9aa','part-k-9a6513f84395',1795447801.25,200,0,1,0,'start',0,0,NULL);
INSERT INTO "frontier" VALUES('a78443931c48657d','20261123-153105-m2xqbb','https://e.com/tea',0,0,'completed',NULL,1,NULL,NULL,NULL,0,'20261123-153001-k3f9aa','part-k-9a6513f84395',1795447801.25,200,0,1,0,'list',NULL,0,NULL);
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
	crawl_delay FLOAT DEFAULT '0' NOT NULL, 
	PRIMARY KEY (host)
);
INSERT INTO "hosts" VALUES('e.com:443',0.0,0.0,0.0);
CREATE TABLE meta (
	store_id VARCHAR NOT NULL, 
	schema_version INTEGER NOT NULL, 
	PRIMARY KEY (store_id)
);
INSERT INTO "meta" VALUES('f199d0e80a1d2646',2);
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
	step VARCHAR, 
	PRIMARY KEY (table_name, run_id, name)
);
INSERT INTO "parts" VALUES('pages','20261123-153001-k3f9aa','part-rejected-c625acf4b400','facts/pages/20261123-153001-k3f9aa/part-rejected-c625acf4b400.parquet',1,21086,2,1,1.7954538200913915634e+09,NULL);
INSERT INTO "parts" VALUES('pages','20261123-153001-k3f9aa','part-k-9a6513f84395','facts/pages/20261123-153001-k3f9aa/part-k-9a6513f84395.parquet',2,26193,2,1,1.79545382013677787781e+09,NULL);
INSERT INTO "parts" VALUES('links','20261123-153001-k3f9aa','part-k-9a6513f84395','facts/links/20261123-153001-k3f9aa/part-k-9a6513f84395.parquet',1,3984,2,1,1.79545382013677787781e+09,NULL);
INSERT INTO "parts" VALUES('images','20261123-153001-k3f9aa','part-k-9a6513f84395','facts/images/20261123-153001-k3f9aa/part-k-9a6513f84395.parquet',1,3852,2,1,1.79545382013677787781e+09,NULL);
INSERT INTO "parts" VALUES('structured_data','20261123-153001-k3f9aa','part-k-9a6513f84395','facts/structured_data/20261123-153001-k3f9aa/part-k-9a6513f84395.parquet',2,3350,2,1,1.79545382013677787781e+09,NULL);
INSERT INTO "parts" VALUES('redirects','20261123-153001-k3f9aa','part-k-9a6513f84395','facts/redirects/20261123-153001-k3f9aa/part-k-9a6513f84395.parquet',1,2935,2,1,1.79545382013677787781e+09,NULL);
INSERT INTO "parts" VALUES('issues','20261123-153001-k3f9aa','part-k-9a6513f84395','facts/issues/20261123-153001-k3f9aa/part-k-9a6513f84395.parquet',1,4506,2,1,1.79545382013677787781e+09,NULL);
INSERT INTO "parts" VALUES('results','20261123-153001-k3f9aa','part-k-9a6513f84395','facts/results/20261123-153001-k3f9aa/part-k-9a6513f84395.parquet',2,2626,2,1,1.79545382013677787781e+09,NULL);
INSERT INTO "parts" VALUES('html','20261123-153001-k3f9aa','part-k-9a6513f84395','facts/html/20261123-153001-k3f9aa/part-k-9a6513f84395.parquet',1,2255,2,1,1.79545382013677787781e+09,NULL);
INSERT INTO "parts" VALUES('graph','20261123-153001-k3f9aa','part-graph-71199a91295f','facts/graph/20261123-153001-k3f9aa/part-graph-71199a91295f.parquet',1,3348,2,1,1.79545382014676260947e+09,'graph');
INSERT INTO "parts" VALUES('robots','20261123-153001-k3f9aa','part-robots-33301800b4eb','facts/robots/20261123-153001-k3f9aa/part-robots-33301800b4eb.parquet',1,3617,2,1,1795453820.15454,'robots');
INSERT INTO "parts" VALUES('targets','20261123-153001-k3f9aa','part-check-ffc77f959148','facts/targets/20261123-153001-k3f9aa/part-check-ffc77f959148.parquet',1,3472,2,1,1.79545382016132116318e+09,'check');
INSERT INTO "parts" VALUES('linked','20261123-153105-m2xqbb','part-linked-660e80f8c249','facts/linked/20261123-153105-m2xqbb/part-linked-660e80f8c249.parquet',1,1657,2,1,1.79545382017363309859e+09,NULL);
CREATE TABLE projects (
	project_id VARCHAR NOT NULL, 
	created_at FLOAT NOT NULL, 
	PRIMARY KEY (project_id)
);
INSERT INTO "projects" VALUES('default',1.79545382007713341708e+09);
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
CREATE TABLE robots (
	origin VARCHAR NOT NULL, 
	status INTEGER, 
	reason VARCHAR, 
	body BLOB NOT NULL, 
	crawl_delay FLOAT, 
	fetched_at FLOAT NOT NULL, 
	PRIMARY KEY (origin)
);
INSERT INTO "robots" VALUES('https://e.com:443',404,NULL,X'',NULL,1795447801.25);
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
	start_url TEXT, 
	scope VARCHAR, 
	limits TEXT DEFAULT '{}' NOT NULL, 
	PRIMARY KEY (run_id)
);
INSERT INTO "runs" VALUES('20261123-153001-k3f9aa','crawl','default','local','','r1',1,'completed',0,'{}',3,0,0,1,0,1.79545382007713341708e+09,1.79545382016606068606e+09,NULL,1.79545382013677787781e+09,0,NULL,0,NULL,NULL,NULL,NULL,'https://e.com/tea','host','{"max_pages": 100, "max_depth": null}');
INSERT INTO "runs" VALUES('20261123-153105-m2xqbb','batch','default','local','','r1',1,'completed',0,'{}',1,1,0,1,0,1.79545382017093634605e+09,1.795453820185500145e+09,NULL,NULL,0,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,'{"max_pages": null, "max_depth": null}');
CREATE INDEX ix_runs_batch_id ON runs (batch_id);
CREATE INDEX frontier_order ON frontier (run_id, position);
CREATE INDEX frontier_states ON frontier (run_id, state, reason);
CREATE INDEX frontier_work ON frontier (run_id, chunk, state, depth, position);
CREATE INDEX host_holders_holder ON host_holders (holder);
CREATE INDEX ix_recommendations_run_id ON recommendations (run_id);
COMMIT;
