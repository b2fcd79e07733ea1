-- The primary of the session store is lost. Modes: crash (SIGKILL), hang (SIGSTOP), isolate (its
-- packets are dropped), switchover (Sentinel is asked to move the role).
return experiment {
  name       = "redis_failover",
  title      = "Redis primary lost",
  hypothesis = "Logins and catalogue pages survive the loss of the session store's primary",
  owner      = "team-platform",
  tags       = { "quarterly", "redis" },
  runbook    = "runbooks/redis_failover.md",

  params   = { mode = one_of { "crash", "hang", "isolate", "switchover" } },
  variants = { { mode = "crash" }, { mode = "hang" }, { mode = "isolate" }, { mode = "switchover" } },
  requires = { replicas("sessions", 1) },

  method = function(run, p)
    run:baseline()
    local primary_lost = run:inject(fault.redis_failover { cache = "sessions", mode = p.mode })
    run:expect(recovered "sessions", { from = primary_lost, within = rto "sessions" })
    run:expect(good("login", 97), { from = primary_lost, over = 20*s })
    run:expect(good("catalog", 97), { from = primary_lost, over = 20*s })
    run:expect(good("checkout", 97), { from = primary_lost, over = 20*s })
    if p.mode == "crash" then
      -- A replica in sync has every acknowledged write. A hung or isolated primary may have
      -- acknowledged some that no replica got: there the loss is reported, not judged.
      run:expect(lost("sessions", 0), { from = primary_lost })
    end
    primary_lost:revert()
  end,
}
