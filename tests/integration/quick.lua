-- The lab's environment with less patience, so that a test takes seconds and not a minute.
return environment {
  name = "lab", target = "lab", staging = true,
  zones = { "a", "b", "c" },
  client_deadline = 5*s,
  warm_up = 500*ms, baseline = 2*s, recovery_cap = 40*s,
  caches = { sessions = { rto = 5*s, rpo = 0 } },
  databases = { orders = { rto = 5*s, rpo = 0 } },
  probes = {
    login = http {
      url = "http://10.0.0.10:80/login", method = "POST",
      body = '{"tenant":"{tenant}","user":"u{random:1..5000}"}', rate = 50,
      service = "app",
    },
    sessions = redis_writes {
      cache = "sessions",
      sentinels = { "10.0.1.20:26379", "10.0.2.20:26379", "10.0.3.20:26379" }, rate = 50,
    },
    sessions_new = redis {
      cache = "sessions",
      sentinels = { "10.0.1.20:26379", "10.0.2.20:26379", "10.0.3.20:26379" }, rate = 20,
    },
    orders = sql_writes { database = "orders", address = "10.0.0.30:3306", rate = 20 },
  },
  slo = { login = good("login", 90) },
  guardrails = { zones_at_once = 1, concurrent_faults = 6, max_duration = 5*minute,
                 approval = { "irreversible" } },
}
