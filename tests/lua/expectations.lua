local t = use "lib/checks.lua"
local ok, is, boom = t.ok, t.is, t.boom

return experiment {
  name = "expectations", hypothesis = "promises say what is wrong with them",
  method = function(run)
    run:baseline(3*s)
    local f = run:inject(fault.redis_failover { cache = "sessions" })
    ok(run:expect(recovered "sessions", { from = f }), "expectations hold in a dry pass")
    ok(run:expect(recovered "sessions", { from = f, within = 2 * rto "sessions" }))
    ok(run:expect(good("login", 99), { from = f, over = 20*s }))
    ok(run:expect(served("login", 99), { from = f, over = 20*s }))
    ok(run:expect(latency("catalog", { below = 500*ms }), { from = f, over = 20*s }))
    ok(run:expect(latency("catalog", { p = 50, below = 500*ms }), { over = 1*s }))
    ok(run:expect(latency("catalog", { p = 99, versus_baseline = { times = 2, plus = 50*ms } }),
                  { from = f, over = 20*s }))
    ok(run:expect(recovered "orders", { from = f, within = 3*s }))
    ok(run:expect(lost("orders", 0), { from = f }))
    is(rto "orders", 5*s)
    ok(run:expect(bad("catalog", 0), { from = f, over = 1*s }), "counts need no long window")
    ok(run:expect(good("login", 100), { from = f, over = 1*s }), "100 % is a count")
    ok(run:expect(lost("sessions", 0), { from = f }))
    is(rto "sessions", 5*s)

    boom("cannot be expressed", run.expect, run, good("login", 99.9), { over = 5*s })
    boom("cannot be expressed", run.expect, run, latency("login", { p = 99.9, below = 1*s }), { over = 5*s })
    boom("expected a duration", run.expect, run, good("login", 99), { over = 20 })
    boom("did you mean 'over'", run.expect, run, good("login", 99), { ower = 20*s })
    boom("what run:inject returned, found 3", run.expect, run, good("login", 99), { from = 3 })
    boom("must be an expectation", run.expect, run, "login", { over = 20*s })
    boom("expected a percentage", good, "login", 0)
    boom("expected a percentage", good, "login")
    boom("expected a text in quotes", good, 97, "login")
    boom("expected a number", bad, "login", 20*s)
    boom("expected a duration", latency, "login", { below = 500 })
    boom("did you mean 'below'", latency, "login", { belo = 500*ms })
    boom("either below", latency, "login", { below = 1*s, versus_baseline = { times = 2 } })
    boom("from 1 to 1000", latency, "login", { versus_baseline = { times = 0.5 } })
    boom("the larger of both counts", latency, "login", { versus_baseline = { plus = -1*s } })
    f:revert()
    f:revert()
  end,
}
