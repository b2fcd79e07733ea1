---@meta
-- The language of experiments and environments, for editors (LuaLS) and people. Each name here is
-- checked by a test against what scripts can really call. Besides these: Lua 5.4 with string, table
-- and math, without io, os, package, debug, coroutine, collectgarbage and random numbers.

-- Durations ---------------------------------------------------------------------------------------

---A length of time. Write 500*ms, 20*s, 5*minute; 5*minute + 20*s; 10*s / 2; compare with <, ==.
---@class Duration
---@operator add(Duration): Duration
---@operator sub(Duration): Duration
---@operator mul(number): Duration
---@operator div(number): Duration
---@operator unm: Duration

---@type Duration one millisecond
ms = nil
---@type Duration one second
s = nil
---@type Duration one minute
minute = nil
---@type Duration one hour
hour = nil

-- Experiments -------------------------------------------------------------------------------------

---@class Experiment
---@field name string a-z, 0-9 and _; names the runs
---@field hypothesis string what should stay true while it breaks
---@field method fun(run: Run, p: table) what is done; p holds the values of params
---@field title? string one line for reports; default: the name
---@field owner? string the team that answers for it
---@field tags? string[]
---@field runbook? string path of the runbook that belongs to it
---@field params? table<string, any> names and defaults; one_of{...} limits the values
---@field variants? table[] sets of params, for --variant N
---@field requires? Requirement[] checked before anything is touched
---@field probes? table<string, Probe> besides those of the environment
---@field steady_state? Objectives objectives of the environment; default: all

---What a script returns: return experiment { ... }
---@param definition Experiment
---@return Experiment
function experiment(definition) end

---A parameter that takes one of these values; the first is the default.
---@param values any[] 1 to 32
function one_of(values) end

---@class Requirement
---Requires a cache or database to have at least so many replicas, or read-only nodes, in sync.
---@param store string
---@param count integer
---@return Requirement
function replicas(store, count) end

---@class Objectives

---slo { "checkout", ... }: names of the environment's objectives, for steady_state.
---@type { import: function } | fun(names: string[]): Objectives
slo = nil

---Reads OpenSLO v1 objectives from a file of the script's tree, as promises about the environment's
---Prometheus: { checkout_availability = ..., checkout_availability_burn_fast = ... }. Names become
---a-z, 0-9 and _. Its hash goes into the record. Only at the top of a script. What is supported:
---README.md of this folder.
---@param file string such as "slo.yaml"
---@return table<string, Expectation>
function slo.import(file) end

---Runs another file of the script's tree (its folder, or the folder above) once and returns its
---value. Its hash goes into the record. Only at the top of a script.
---@param file string such as "lib/shop.lua"
---@return any
function use(file) end

---While a method runs, a line in the run's events; else a line on standard error.
---@param ... any
function print(...) end

-- Faults ------------------------------------------------------------------------------------------

---@class Request a fault, asked for and not yet injected
---fault.<name> { parameter = value, ... }; `faultline faults` lists names, parameters and limits.
---@type table<string, fun(params?: table): Request>
fault = nil

---@class Fault a fault in force
local Fault = {}
---Undoes it; returns when it is undone. Reverting twice is nothing. A fault that goes on by itself
---(spot_reclaim) is waited for first.
function Fault:revert() end

-- The method --------------------------------------------------------------------------------------

---@class Run
local Run = {}

---Measures steady state. At most once, before the first fault; left out, the first inject does it.
---@param length? Duration default: the environment's baseline
function Run:baseline(length) end

---Injects faults together; returns when the effect of each is proved. Faults on one resource stack.
---@param ... Request
---@return Fault ...
function Run:inject(...) end

---Injects the faults together, calls body with them, and reverts them on any exit of body.
---@param faults Request[]
---@param body fun(...: Fault): any
---@return any what body returns
function Run:during(faults, body) end

---@param length Duration above 0
function Run:wait(length) end

---@class Window
---@field from? Fault the window starts when this fault was applied
---@field over? Duration length of the window; for all but recovered and lost
---@field within? Duration time to recover, for recovered; default: the rto of what recovers

---Waits until it is decided, and returns whether it holds. Part of the verdict either way. A
---percentage that its window cannot express is refused: 99.9 % needs 1,000 requests.
---A method that expects nothing of the time in which a fault is in force proves nothing.
---@param expectation Expectation
---@param window? Window
---@return boolean
function Run:expect(expectation, window) end

---Ends the run as soon as one of the conditions is met, from now on and once the warm-up is over:
---everything is reverted at once, and the verdict is aborted (exit code 4). They are looked at five
---times a second. A request counts when it is answered, and as bad when its time is up without an
---answer. A window in which neither happened is no breach, and is said; where that lasts longer than
---a request may take, or the worker dies, nobody watches any more: everything is reverted, and the
---run is inconclusive. There is none for lost writes: those are known when the writers have read all
---back, at the end.
---    run:stop_when(good("checkout", { below = 50 }), bad("login", { above = 20 }),
---                  latency("catalog", { p = 95, above = 2*s }))
---@param ... StopCondition
function Run:stop_when(...) end

---Says that what is in force is a disaster, as a person would who calls for the recovery: the time to
---recover is reported from now, too, beside the one from the disruption. Belongs after a fault.
---@param ... any why, in words
function Run:declare(...) end

---A line in the run's events.
---@param ... any
function Run:log(...) end

-- Expectations ------------------------------------------------------------------------------------

---@class Expectation a promise; run:expect says over which window

---@class StopCondition when a run must not go on; run:stop_when sets it

---@class GoodBelow less than so much percent are good
---@field below number percent, above 0 and up to 100
---@field over? Duration the window, at most 1*s; default 1*s

---At least percent of a probe's requests are good: correct, and within its threshold. With a table,
---a stop condition.
---@param probe string
---@param percent number|GoodBelow above 0 and up to 100
---@return Expectation|StopCondition
function good(probe, percent) end

---At least percent are good or degraded.
---@param probe string
---@param percent number above 0 and up to 100
---@return Expectation
function served(probe, percent) end

---@class VersusBaseline the larger of both is the limit
---@field times? number so many times the baseline's value, 1 to 1000; default 1
---@field plus? Duration so much above the baseline's value; default 0

---@class Latency either below or versus_baseline; or above, for a stop condition
---@field p? number the percentile, 1 to 99.999; default 99
---@field below? Duration
---@field versus_baseline? VersusBaseline needs a baseline with enough requests for the percentile
---@field above? Duration
---@field over? Duration the window of a stop condition, at most 1*s; default 1*s

---A percentile of the latency stays below a limit. A bad request is slower than any limit. With
---above, a stop condition.
---@param probe string
---@param limit Latency such as { p = 99, below = 1500*ms }
---@return Expectation|StopCondition
function latency(probe, limit) end

---@class BadAbove more than so many requests a second are bad
---@field above number
---@field over? Duration the window, at most 1*s; default 1*s

---At most so many requests are bad. With a table, a stop condition.
---@param probe string
---@param max integer|BadAbove requests
---@return Expectation|StopCondition
function bad(probe, max) end

---At most so many seconds of the window hold a bad request.
---@param probe string
---@param max integer seconds
---@return Expectation
function bad_seconds(probe, max) end

---At least so many good requests a second, over the whole window.
---@param probe string
---@param least number requests per second
---@return Expectation
function throughput(probe, least) end

---@class BurnWindow
---@field long Duration so that a moment does not count
---@field short? Duration so that it ends soon after the trouble; default a twelfth of long
---@field factor number 1 spends the budget of 28 days in exactly that time

---@class Burn
---@field slo number percent: what it leaves is the error budget
---@field windows BurnWindow[]

---The error budget never burns faster than a factor over both its windows, of each pair: what an
---alert on burn rates would have watched, second by second.
---@param probe string
---@param rules Burn such as { slo = 99, windows = { { long = 30*s, short = 5*s, factor = 10 } } }
---@return Expectation
function burn(probe, rules) end

---@class Metric
---@field name? string what it is called; default the expression
---@field take? string of its values in the window: last (default), min, max or mean
---@field below? number at most
---@field above? number at least

---What the environment's Prometheus says of an expression; it must yield one series. No data, not a
---number, a gap or a warning is never a pass: the run is inconclusive then. {{.window}} stands for the
---length of the window, as in rate(http_requests_total[{{.window}}]).
---@param expression string PromQL
---@param limit Metric such as { above = 40, take = "min" }
---@return Expectation
function metric(expression, limit) end

---An alert of the environment's Prometheus fires within a time of the fault: run:expect(alert
---"CheckoutFailing", { from = f, within = 60*s }). One that fired before shows nothing.
---@param name string
---@return Expectation
function alert(name) end

---An alert of the environment's Prometheus does not fire in the window.
---@param name string
---@return Expectation
function quiet(name) end

---A cache or database is writable again, as its writer among the probes sees it. Where several write
---to it, name one of them instead. Of any other probe: its requests are good again. The record takes
---the time apart: felt, detected, decided, done, first success, good for long enough; and says what
---the other probes saw, on new connections or on kept ones.
---@param subject string a cache, a database or a probe
---@return Expectation
function recovered(subject) end

---At most so many acknowledged writes are lost; decided when the writers have read all back. A run
---whose method does not ask for it tells how many were lost, and judges nothing about them.
---@param subject string a cache, a database or a probe that writes
---@param max? integer writes; default: the rpo that the environment promises of it
---@return Expectation
function lost(subject, max) end

---The environment's recovery time objective for a cache or database.
---@param store string
---@return Duration
function rto(store) end

-- Selectors: only inside of a method; one that matches nothing ends the run (exit code 3) ---------

---The zone of a cache's primary or a database's writable node, or of the first that follows it.
---@param store string
---@param role? "primary"|"replica"|"rw"|"ro" default: primary, or rw
---@return string
function zone_of(store, role) end

---@class Selector
---@field service? string
---@field spot? boolean
---@field zone? string
---@field share? number 0 to 1: this share of them, rounded up, in the order of their names

---Names of application nodes, as fault.spot_reclaim { instances = ... } takes them.
---@param selector Selector
---@return string[]
function instances(selector) end

-- Loads --------------------------------------------------------------------------------------------

---@class Load
---@field probes table<string, Probe>
---@field duration Duration how long requests become due; nothing is left out as warm-up

---What a file for `faultline load` returns: return load { probes = { ... }, duration = 10*s }. Called
---with a text it is Lua's own load.
---@param definition Load
---@return Load
function load(definition) end

-- Environments ------------------------------------------------------------------------------------

---@class Environment
---@field name string
---@field target? string the adapter that touches it; default: the name
---@field staging? boolean without true nothing is injected
---@field zones? string[]
---@field client_deadline? Duration how long a client waits; default 5*s
---@field warm_up? Duration not counted, at the start of the load; default 2*s
---@field baseline? Duration of steady state before the first fault; default 10*s, or as long as its promises take
---@field settle? Duration time for breakers and pools between the reverts and the last look; default 0*s
---@field recovery_cap? Duration recovery is observed at most so long; default 60*s
---@field prometheus? Prometheus that watches it, for metric, alert, quiet and slo.import
---@field probes table<string, Probe>
---@field caches? table<string, Cache>
---@field databases? table<string, Database>
---@field slo? table<string, Expectation> steady state
---@field tenants? integer how many every service serves, for the blast radius
---@field guardrails? Guardrails

---What an environment file returns: return environment { ... }
---@param definition Environment
---@return Environment
function environment(definition) end

---@class Prometheus
---@field url string http(s)://ADDRESS:PORT, of this machine unless allowed, with the path in front of /api
---@field scrape_interval? Duration of its targets, at most 5*minute: figures are asked for so much later; default 15*s
---@field allow? string[] IP addresses that may be asked besides loopback

---@class Cache
---@field rto? Duration recovery time objective: writable again within
---@field rpo? integer acknowledged writes that may be lost; default 0

---@class Database
---@field rto? Duration recovery time objective: writable again within
---@field rpo? integer acknowledged writes that may be lost; default 0

---@class Guardrails
---@field zones_at_once? integer zones that may be cut at once; 0: no limit
---@field concurrent_faults? integer 0: no limit
---@field max_instances? number percent of the instances of any one service; 0: no limit
---@field max_duration? Duration a fault is reverted then at the latest; default 5*minute
---@field protected? string[] never touched, by kind (zone, host, component, service, cache, database, dependency, nat) and name: "zone c"
---@field keep_quorum? string[] caches and databases of which at most half of the nodes are hit at once
---@field approval? string[] classes that need --approve: restorable, compensable, self-healing; irreversible always does
---@field freeze? Freeze[] when nothing is injected

---@class Freeze days in UTC: dates, days of the week, or both
---@field from? string the first day, "2026-12-24"
---@field to? string the last day, "2027-01-02"
---@field days? string "sat-sun", "fri", "mon, wed-thu"
---@field reason? string for people

---@class Probe a load and its measurement

---@class Http one of rate, stages and users says how much is sent; stages, users and workers only in load
---@field url string http(s)://ADDRESS[:PORT]/path; {random:1..9}, {counter}, {unique} and {tenant} are filled in
---@field rate? number requests per second, 0.01 to 5000; in load up to a million
---@field poisson? boolean they come at random, at that rate; default: at equal distances
---@field stages? Stage[] rates that change; the last one stays
---@field users? integer a closed loop: so many users, each of whom waits for the answer
---@field think? Duration how long a user waits after an answer; default 0*s
---@field workers? integer threads that share the load, 1 to 16; default 1
---@field method? string default GET
---@field body? string as url
---@field headers? table<string, string> values as url
---@field expect? integer|Expect a correct answer; default: status 200
---@field mix? HttpRequest[] several requests instead of one, drawn by weight; url then has no path
---@field rows? Csv {csv:NAME} is filled in from them, a row a request, in turn
---@field sessions? Sessions users who log in once and carry what they were given
---@field tls? Tls for https
---@field connections? integer at most at once, 1 to 10000; further requests wait, which counts; default 512
---@field keep_alive? boolean false: a new connection for each request; default true
---@field service? string whose nodes answer it: what the environment notices of them belongs to its recovery
---@field within? Duration slower is bad; default: the deadline
---@field deadline? Duration given up then; default: the environment's client_deadline
---@field from? string the host it runs on; default "client"

---@class Stage
---@field rate? number requests per second, at once
---@field ramp_to? number or: in a straight line from the rate before (0 at first) to this one
---@field over Duration for so long

---@class HttpRequest
---@field path? string default /; as url
---@field weight? number how often it is drawn, against the others; default 1
---@field name? string for people
---@field method? string default GET
---@field body? string
---@field headers? table<string, string>
---@field expect? integer|Expect

---@class Expect what a correct answer is; any other counts as bad, by a class that names what was wrong
---@field status? integer default 200
---@field json? table<string, string|number|boolean> fields of the answer: ["order.state"] = "paid"
---@field min_bytes? integer of the body
---@field max_bytes? integer a longer one is given up while it is read; default 1 MiB

---@class Sessions request n belongs to session n modulo count; after a 401 it logs in anew
---@field count integer 1 to 10000
---@field login Login
---@field token? string the field of its answer that {token} stands for; default "token"

---@class Login
---@field path? string default /login
---@field method? string default GET
---@field body? string
---@field headers? table<string, string>
---@field expect? integer|Expect

---@class Tls
---@field name? string whom the certificate must be for; default: the address in url
---@field ca? string a file of the script's tree: whom to trust instead of the system's authorities, in PEM

---@class Csv rows with named columns

---A file of the script's tree in CSV; its first line names the columns.
---@param file string such as "users.csv"
---@return Csv
function csv(file) end

---@param definition Http
---@return Probe
function http(definition) end

---@class RedisWrites
---@field cache string
---@field sentinels string[] addresses with ports
---@field rate number writes per second, 0.01 to 5000
---@field within? Duration slower is bad; default: the deadline
---@field deadline? Duration given up then; default: the environment's client_deadline
---@field from? string the host it runs on; default "client"
---@field shows_recovery? boolean false: it is not where users are, as inside a cut zone

---Writes unique keys to a cache's primary, by SETEX, and reads every acknowledged one back at the end.
---@param definition RedisWrites
---@return Probe
function redis_writes(definition) end

---@class Redis
---@field cache string
---@field sentinels string[] addresses with ports
---@field rate number pings per second, 0.01 to 5000
---@field within? Duration slower is bad; default: the deadline
---@field deadline? Duration given up then; default: the environment's client_deadline
---@field from? string the host it runs on; default "client"

---One PING of a cache's primary, on a new connection each.
---@param definition Redis
---@return Probe
function redis(definition) end

---@class Tcp
---@field address string ADDRESS:PORT
---@field rate number connections per second, 0.01 to 5000
---@field within? Duration slower is bad; default: the deadline
---@field deadline? Duration given up then; default: the environment's client_deadline
---@field from? string the host it runs on; default "client"

---One connect each.
---@param definition Tcp
---@return Probe
function tcp(definition) end

---@class SqlWrites
---@field database string
---@field address string where it writes, ADDRESS:PORT
---@field read_at? string where it reads all back at the end; default: the address
---@field rate number writes per second, 0.01 to 5000
---@field within? Duration slower is bad; default: the deadline
---@field deadline? Duration given up then; default: the environment's client_deadline
---@field from? string the host it runs on; default "client"
---@field shows_recovery? boolean false: it is not where users are, as inside a cut zone

---Writes unique rows to a database, and reads every acknowledged one back at the end.
---@param definition SqlWrites
---@return Probe
function sql_writes(definition) end

---@class ReplicaLag
---@field database string
---@field address string where beats are written, ADDRESS:PORT: the cluster's endpoint
---@field replicas string[] where each must arrive, ADDRESS:PORT, 1 to 8. One that is the primary, after a failover, is up to date by itself.
---@field rate number beats per second, 0.01 to 100
---@field within? Duration slower is bad; default: the deadline
---@field deadline? Duration given up then; default: the environment's client_deadline
---@field from? string the host it runs on; default "client"

---How far replicas are behind: each beat is written through the endpoint to one row of a table of its
---own, and its time counts from when it was due until every replica shows it or a later one, to 2 ms or
---2 %. Bad are "replica behind: ...", "replica unreachable: ..." and "primary: ..." with why it was not
---written. The objective is latency("orders_lag", { p = 99, below = 1*s }), or good. It does
---not show the recovery of the database, and its rows are not among the writes that may be lost.
---@param definition ReplicaLag
---@return Probe
function replica_lag(definition) end
