-- The zone of both primaries is cut off: the database's writable node and the session store's
-- primary. Modes: full (both ways), inbound (what goes into the zone is dropped), outbound (what
-- comes out of it is).
return experiment {
  name       = "az_partition",
  title      = "Zone cut off",
  hypothesis = "The loss of the zone with both primaries costs users a few seconds at most, and no order",
  owner      = "team-platform",
  tags       = { "quarterly", "zone" },
  runbook    = "runbooks/az_partition.md",

  params   = { mode = one_of { "full", "inbound", "outbound" } },
  variants = { { mode = "full" }, { mode = "inbound" }, { mode = "outbound" } },
  requires = { replicas("sessions", 1), replicas("orders", 1) },

  -- A client inside the zone, at its own database node: what it is told is written and the rest of
  -- the world never sees, an isolated primary has accepted. It sees the zone's side of the cut, so
  -- it says nothing about recovery.
  probes = {
    inside_the_zone = sql_writes {
      database = "orders", address = "10.0.1.30:3306", read_at = "10.0.0.30:3306",
      from = "a-reserved", rate = 20, shows_recovery = false,
    },
  },

  method = function(run, p)
    run:baseline()
    local zone = zone_of("orders", "rw")
    run:during({ fault.az_partition { zone = zone, mode = p.mode } }, function(cut)
      run:expect(recovered "orders", { from = cut, within = rto "orders" })
      run:expect(recovered "sessions", { from = cut, within = rto "sessions" })
      run:expect(good("catalog", 99.5), { from = cut, over = 30*s })
      run:expect(good("checkout", 95), { from = cut, over = 30*s })
      run:expect(good("login", 95), { from = cut, over = 30*s })
      run:expect(lost("orders", 0), { from = cut })
    end)
  end,
}
