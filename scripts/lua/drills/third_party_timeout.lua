-- The payment provider answers, but only after 30 s.
return experiment {
  name       = "third_party_timeout",
  title      = "Payment provider slow",
  hypothesis = "A slow payment provider makes payments pending, and nothing else slow",
  owner      = "team-payments",
  tags       = { "quarterly", "third-party" },
  runbook    = "runbooks/third_party_timeout.md",

  method = function(run)
    run:baseline()
    run:during({ fault.third_party { dependency = "pay", mode = "latency", delay = 30*s } },
      function(slow)
        run:expect(served("checkout", 99), { from = slow, over = 30*s })
        run:expect(latency("checkout", { p = 99, below = 1500*ms }), { from = slow, over = 30*s })
        run:expect(latency("catalog", { p = 99, versus_baseline = { times = 2, plus = 50*ms } }),
                   { from = slow, over = 30*s })
      end)
  end,
}
