"""The tables of a run's database. Whoever changes them raises the version: a run of another one is refused.

`comprehended` is what the probes show, by one rule for all who ask: a target that declined to repeat a query understood
it where it repeated the query's twin under the same condition, unless it repeats the query as text (`withheld`): who is
sent nothing declines as well. A query was missed only where the control (the same probe about the query as text) shows
that the target can do it: it did, or it declined and did it for the twin.

The status of an exchange is that of its response, or `forgotten` where it failed and was to be made again.
"""

DATABASE = "run.db"
SCHEMA_VERSION = 10
SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS queries (
    id TEXT PRIMARY KEY, position INTEGER, text TEXT, intent TEXT, scenario TEXT, category TEXT, twin TEXT,
    language TEXT, certainty REAL);
CREATE TABLE IF NOT EXISTS items (
    id INTEGER PRIMARY KEY, query TEXT, condition TEXT, repeat INTEGER, outcome TEXT, reason TEXT, rating INTEGER,
    rendering TEXT, exchange TEXT, revision INTEGER, UNIQUE (query, condition, repeat));
CREATE TABLE IF NOT EXISTS skipped (condition TEXT PRIMARY KEY, reason TEXT, items INTEGER);
CREATE TABLE IF NOT EXISTS renderings (key TEXT PRIMARY KEY, query TEXT, rendering TEXT);
CREATE TABLE IF NOT EXISTS exchanges (
    key TEXT PRIMARY KEY, item INTEGER, role TEXT, juror TEXT, round INTEGER, number INTEGER, about TEXT, status TEXT,
    request TEXT, response TEXT, at REAL);
CREATE TABLE IF NOT EXISTS probes (item INTEGER PRIMARY KEY, status TEXT, missing REAL, exchange TEXT);
CREATE TABLE IF NOT EXISTS controls (query TEXT PRIMARY KEY, status TEXT, missing REAL, exchange TEXT) WITHOUT ROWID;
CREATE VIEW IF NOT EXISTS comprehended AS
SELECT p.item, CASE
    WHEN p.status = 'uncounted' THEN 'missed'
    WHEN p.status = 'declined' AND tp.status = 'understood' AND c.status IS NOT 'understood' THEN 'understood'
    WHEN p.status = 'declined' THEN 'unknown'
    WHEN p.status <> 'missed' OR c.status = 'understood' OR c.status = 'declined' AND tc.status = 'understood'
        THEN p.status
    ELSE 'unknown' END AS state,
    CASE WHEN p.status = 'missed' THEN coalesce(c.status, 'not asked') END AS control,
    p.status = 'declined' AND c.status IS 'understood' AS withheld, p.status = 'uncounted' AS uncounted
FROM probes p JOIN items i ON i.id = p.item JOIN queries q ON q.id = i.query
LEFT JOIN controls c ON c.query = q.id LEFT JOIN controls tc ON tc.query = q.twin
LEFT JOIN items ti ON ti.query = q.twin AND ti.condition = i.condition AND ti.repeat = i.repeat
LEFT JOIN probes tp ON tp.item = ti.id;
CREATE TABLE IF NOT EXISTS spoken (
    item INTEGER PRIMARY KEY, transcript TEXT, recogniser TEXT, failure TEXT, label TEXT, own_label TEXT);
CREATE TABLE IF NOT EXISTS ballots (
    item INTEGER, round INTEGER, juror TEXT, label TEXT, rating INTEGER, reason TEXT, exchanges TEXT,
    left_out INTEGER, absence TEXT, PRIMARY KEY (item, round, juror)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reviews (
    item INTEGER, reviewer TEXT, label TEXT, comment TEXT, at REAL, PRIMARY KEY (item, reviewer)) WITHOUT ROWID;
"""
