local t = use "lib/checks.lua"
local ok, is, boom = t.ok, t.is, t.boom

return experiment {
  name = "faults", hypothesis = "faults revert on any exit",
  method = function(run)
    boom("did you mean 'az_partition'", function() return fault.az_partitions end)
    boom("takes a table", fault.az_partition, "a")
    boom("unknown field 'zones'", fault.az_partition, { zones = "a" })
    boom("named fields", fault.az_partition, { "a" })

    local first, second = run:inject(fault.az_partition { zone = "a" },
                                     fault.redis_failover { cache = "sessions", mode = "hang" })
    ok(first ~= nil and second ~= nil, "as many as were asked for")
    second:revert()
    first:revert()

    is(run:during({ fault.az_partition { zone = "c" } }, function(f)
      ok(f)
      return "what body returns"
    end), "what body returns")
    boom("faults.lua:23: in the middle", run.during, run, { fault.az_partition { zone = "c" } },
         function() error("in the middle") end)
    local fine, raised = pcall(run.during, run, { fault.az_partition { zone = "c" } },
                               function() error({ code = 7 }) end)
    ok(not fine)
    is(raised.code, 7)
    boom("has no method 'inyect'", function() run:inyect() end)
  end,
}
