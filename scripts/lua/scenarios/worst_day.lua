-- Everything at once: a zone goes while the payment provider is slow, and the cloud takes back a
-- third of the spot nodes. It may fail; what it shows is which of them hurt, and when.
return experiment {
  name       = "worst_day",
  title      = "A zone, the payment provider and spot nodes at once",
  hypothesis = "Users can still read, log in and buy with payment pending while three things are broken",
  owner      = "team-platform",
  tags       = { "combined" },
  runbook    = "runbooks/worst_day.md",
  requires   = { replicas("sessions", 1), replicas("orders", 1) },

  method = function(run)
    run:baseline()
    local slow = run:inject(fault.third_party { dependency = "pay", mode = "latency", delay = 30*s })
    run:wait(5*s)
    local zone = zone_of("orders", "rw")
    local spared = zone == "a" and "b" or "a"  -- the reclaimed node must be able to hear of it
    local cut, reclaim = run:inject(
      fault.az_partition { zone = zone },
      fault.spot_reclaim { instances = instances { service = "app", spot = true, zone = spared },
                           notice = 5*s, grace = 1*s, replace_after = 5*s })
    run:expect(recovered "orders", { from = cut, within = rto "orders" })
    run:expect(recovered "sessions", { from = cut, within = rto "sessions" })
    run:expect(good("catalog", 95), { from = cut, over = 20*s })
    run:expect(good("login", 90), { from = cut, over = 20*s })
    run:expect(served("checkout", 90), { from = cut, over = 20*s })
    run:expect(lost("orders", 0), { from = cut })
    reclaim:revert()
    cut:revert()
    slow:revert()
  end,
}
