local t = use "lib/checks.lua"
local ok, is, boom = t.ok, t.is, t.boom

return experiment {
  name = "units", hypothesis = "durations are a type of their own",
  method = function()
    is(1000*ms, 1*s)
    is(60*s, minute)
    is(60*minute, hour)
    is(5*minute + 20*s, 320*s)
    is(1*minute - 1*s, 59*s)
    is(10*s / 4, 2500*ms)
    is(10*s / (2*s), 5)
    is(-(1*s), -1*s)
    ok(1*s < 2*s and 2*s <= 2*s and 2*minute > 1*minute)
    ok(1*s ~= 1, "a duration is no number")
    is(tostring(20*s), "20 s")
    is("waited " .. 850*ms, "waited 850 ms")
    boom("two durations", function() return 1*s + 1 end)
    boom("two durations", function() return 1*s < 2 end)
    boom("multiplied by a number", function() return 1*s * s end)
    boom("at most a year", function() return 1e9 * hour end)
    boom("at most a year", function() return 1*s / 0 end)
  end,
}
