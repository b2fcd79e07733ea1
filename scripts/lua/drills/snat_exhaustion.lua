-- Another tenant behind the same NAT gateway holds as many flows to the payment provider as one EIP
-- has ports. A new connection is dropped without a word when it draws an EIP without a free port.
return experiment {
  name       = "snat_exhaustion",
  title      = "SNAT ports used up",
  hypothesis = "Checkout goes on when a neighbour uses up the ports of one EIP",
  owner      = "team-network",
  tags       = { "quarterly", "nat" },
  runbook    = "runbooks/snat_exhaustion.md",

  method = function(run)
    run:baseline()
    run:during({ fault.snat_exhaustion { mode = "hog" } }, function(hog)
      run:expect(good("checkout", 99), { from = hog, over = 20*s })
    end)
  end,
}
