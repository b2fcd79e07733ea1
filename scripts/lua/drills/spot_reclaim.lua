-- The cloud takes back every spot node, half of the fleet, and brings others a little later. The
-- notice is minutes in the cloud (3 in the articles, 5 in the vendor's documentation); here it is
-- seconds, so that the drill is short: --var notice=180 for the real one.
return experiment {
  name       = "spot_reclaim",
  title      = "Spot nodes reclaimed",
  hypothesis = "Losing every spot node at once costs not one request",
  owner      = "team-platform",
  tags       = { "quarterly", "spot" },
  runbook    = "runbooks/spot_reclaim.md",

  params = { notice = 5, grace = 1, replace_after = 3 },  -- seconds

  method = function(run, p)
    run:baseline()
    local gone_after = (p.notice + p.grace + p.replace_after)*s
    run:during({ fault.spot_reclaim { instances = instances { service = "app", spot = true },
                                      notice = p.notice*s, grace = p.grace*s,
                                      replace_after = p.replace_after*s } },
      function(reclaim)
        for _, users in ipairs { "login", "catalog", "checkout" } do
          run:expect(bad(users, 0), { from = reclaim, over = gone_after + 5*s })
        end
      end)
  end,
}
