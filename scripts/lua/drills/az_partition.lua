-- The zone of the session store's primary is cut off. Modes: full (both ways), inbound (what goes
-- into the zone is dropped), outbound (what comes out of it is).
return experiment {
  name       = "az_partition",
  title      = "Zone cut off",
  hypothesis = "The loss of the zone with the session store's primary costs users a few seconds at most",
  owner      = "team-platform",
  tags       = { "quarterly", "zone" },
  runbook    = "runbooks/az_partition.md",

  params   = { mode = one_of { "full", "inbound", "outbound" } },
  variants = { { mode = "full" }, { mode = "inbound" }, { mode = "outbound" } },
  requires = { replicas("sessions", 1) },

  method = function(run, p)
    run:baseline()
    local zone = zone_of("sessions", "primary")
    run:during({ fault.az_partition { zone = zone, mode = p.mode } }, function(cut)
      run:expect(recovered "sessions", { from = cut, within = rto "sessions" })
      run:expect(good("login", 90), { from = cut, over = 20*s })
      run:expect(good("catalog", 95), { from = cut, over = 20*s })
    end)
  end,
}
