local t = use "lib/checks.lua"
local is, boom = t.is, t.boom

local function names(selector) return table.concat(instances(selector), " ") end

boom("only inside of the method", zone_of, "sessions")

return experiment {
  name = "selectors", hypothesis = "names come from the world",
  method = function()
    is(zone_of "sessions", "a")
    is(zone_of("sessions", "primary"), "a")
    is(zone_of("sessions", "replica"), "b")
    is(zone_of "orders", "a")
    is(zone_of("orders", "ro"), "b")
    is(names { spot = true, share = 1/3 }, "a-spot")
    is(names { service = "app", spot = true }, "a-spot b-spot c-spot")
    is(names { spot = false, zone = "b" }, "b-reserved")
    is(names { spot = true, share = 0.5 }, "a-spot b-spot")
    is(#instances {}, 6)
    boom("did you mean 'sessions'", zone_of, "session")
    boom("did you mean 'primary'", zone_of, "sessions", "primari")
    boom("unknown role 'primary'", zone_of, "orders", "primary")
    boom("matches nothing", instances, { service = "none" })
    boom("matches nothing", instances, { share = 0 })
    boom("unknown zone 'x'", instances, { zone = "x" })
    boom("from 0 to 1", instances, { share = 50 })
    boom("true or false", instances, { spot = "yes" })
  end,
}
