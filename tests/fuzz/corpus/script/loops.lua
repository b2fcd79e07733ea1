return experiment {
  name = "x", hypothesis = "h", tags = { "a" }, params = { n = one_of { 1, 2 } },
  variants = { { n = 2 } }, requires = { replicas("sessions", 1) },
  method = function(run, p)
    run:baseline(5*s)
    for i = 1, p.n do
      run:during({ fault.redis_failover { cache = "sessions", mode = "hang" } }, function(f)
        run:wait(1*minute)
        run:expect(good("login", 97), { from = f[1], over = 20*s })
      end)
    end
    pcall(function() run:inject(fault.az_partition { zone = zone_of("sessions") }) end)
  end,
}
