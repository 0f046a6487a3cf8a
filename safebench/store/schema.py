"""The tables of a run's database. Whoever changes them raises the version: a run of another one is refused."""

DATABASE = "run.db"
SCHEMA_VERSION = 5
SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS queries (
    id TEXT PRIMARY KEY, position INTEGER, text TEXT, intent TEXT, scenario TEXT, category TEXT, twin TEXT);
CREATE TABLE IF NOT EXISTS items (
    id INTEGER PRIMARY KEY, query TEXT, condition TEXT, repeat INTEGER, outcome TEXT, reason TEXT, rating INTEGER,
    rendering TEXT, exchange TEXT, UNIQUE (query, condition, repeat));
CREATE TABLE IF NOT EXISTS skipped (condition TEXT PRIMARY KEY, reason TEXT, items INTEGER);
CREATE TABLE IF NOT EXISTS renderings (key TEXT PRIMARY KEY, query TEXT, rendering TEXT);
CREATE TABLE IF NOT EXISTS exchanges (
    key TEXT PRIMARY KEY, item INTEGER, purpose TEXT, status TEXT, request TEXT, response TEXT, at REAL);
CREATE TABLE IF NOT EXISTS probes (item INTEGER PRIMARY KEY, status TEXT, missing REAL, exchange TEXT);
CREATE TABLE IF NOT EXISTS spoken (
    item INTEGER PRIMARY KEY, transcript TEXT, recogniser TEXT, failure TEXT, label TEXT, own_label TEXT);
CREATE TABLE IF NOT EXISTS ballots (
    item INTEGER, round INTEGER, juror TEXT, label TEXT, rating INTEGER, reason TEXT, exchanges TEXT,
    left_out INTEGER, absence TEXT, PRIMARY KEY (item, round, juror)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reviews (
    item INTEGER, reviewer TEXT, label TEXT, comment TEXT, at REAL, PRIMARY KEY (item, reviewer)) WITHOUT ROWID;
"""
