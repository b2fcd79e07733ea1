-- The lab: the staging environment that faultline brings along. This file says what may be broken
-- in it, how it is observed, and what it promises. Copy it to describe an environment of your own,
-- and give the copy with --env FILE.lua.
return environment {
  name    = "lab",
  target  = "lab",     -- the adapter that touches it
  staging = true,      -- without this nothing is ever injected
  zones   = { "a", "b", "c" },

  -- How long a client waits. A request that is held during a failover and answered in this time
  -- is good; a later one is bad.
  client_deadline = 5*s,

  warm_up      = 2*s,   -- at the start of the load, not counted: connections, caches
  baseline     = 8*s,   -- steady state is measured this long before the first fault
  settle       = 3*s,   -- after the reverts: breakers close, pools fill, before the last look
  recovery_cap = 60*s,  -- recovery is observed at most this long, and then shown as "> 60 s"

  -- Promises about a loss of the primary: writable again within rto, and at most rpo acknowledged
  -- writes lost.
  caches = {
    sessions = { rto = 5*s, rpo = 0 },
  },
  databases = {
    orders = { rto = 5*s, rpo = 0 },
  },

  -- The load, open loop: each request is due at its time, whether or not earlier ones were answered.
  -- {random:1..9}, {counter}, {unique} and {tenant} are filled in for each request.
  probes = {
    -- Users logging in, through the load balancer: each writes a session to Redis.
    login = http {
      url    = "http://10.0.0.10:80/login",
      method = "POST",
      body   = '{"tenant":"{tenant}","user":"u{random:1..5000}"}',
      rate   = 60,
      service = "app",   -- by whose nodes; what the balancer notices of them belongs to it
    },
    -- Users reading product pages, through the cache, from the database's read endpoint.
    catalog = http {
      url  = "http://10.0.0.10:80/catalog/p{random:1..200}?tenant={tenant}",
      rate = 80,
      service = "app",
    },
    -- Users buying: a price from another node, a payment through the NAT, an order in the database.
    checkout = http {
      url    = "http://10.0.0.10:80/checkout",
      method = "POST",
      body   = '{"tenant":"{tenant}","product":"p{random:1..200}","order":"{unique}"}',
      rate   = 60,
      service = "app",
    },
    -- A client of Redis itself: each write has its own key, and each acknowledged one is read back
    -- at the end. It finds the primary through Sentinel, as the service does.
    sessions = redis_writes {
      cache     = "sessions",
      sentinels = { "10.0.1.20:26379", "10.0.2.20:26379", "10.0.3.20:26379" },
      rate      = 50,
    },
    -- A client of the database's cluster endpoint: each row has its own key, and each acknowledged
    -- one is read back at the end.
    orders = sql_writes {
      database = "orders",
      address  = "10.0.0.30:3306",
      rate     = 50,
    },
  },

  -- Steady state: what holds when nothing is broken. 8 s at 60/s are 480 requests: enough to
  -- express 99 %, which is what is promised.
  slo = {
    login    = good("login", 99),
    catalog  = good("catalog", 99),
    checkout = good("checkout", 99),
  },

  -- Who is behind the service: each of them is served by every node.
  tenants = 20,

  -- What may be broken at once. A fault that exceeds it is refused, before it is begun.
  guardrails = {
    zones_at_once     = 1,
    concurrent_faults = 3,                  -- as in scenarios/worst_day.lua
    max_instances     = 50,                 -- percent of a service: every spot node, or a zone and
                                            -- one spot node more
    keep_quorum       = { "sessions", "orders" }, -- never more than half of their nodes
    max_duration      = 5*minute,           -- reverted then, whatever the script does
    approval          = { "irreversible" }, -- classes of fault that a person must agree to
    -- protected = { "zone c", "host neighbour", "component alb" },  -- what is never touched
    -- freeze = {                                                    -- when nothing is, in UTC
    --   { from = "2026-12-24", to = "2027-01-02", reason = "end of the year" },
    --   { days = "sat-sun" },
    -- },
  },
}
