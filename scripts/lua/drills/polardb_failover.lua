-- The writable node of the database is lost. Modes: crash (SIGKILL), hang (SIGSTOP), isolate (its
-- packets are dropped), switchover (the manager is asked to move the role).
return experiment {
  name       = "polardb_failover",
  title      = "Database primary lost",
  hypothesis = "Checkout survives the loss of the database's writable node, and no acknowledged order is lost",
  owner      = "team-data",
  tags       = { "quarterly", "database" },
  runbook    = "runbooks/polardb_failover.md",

  params   = { mode = one_of { "crash", "hang", "isolate", "switchover" } },
  variants = { { mode = "crash" }, { mode = "hang" }, { mode = "isolate" }, { mode = "switchover" } },
  requires = { replicas("orders", 1) },

  method = function(run, p)
    run:baseline()
    local node_lost = run:inject(fault.db_failover { database = "orders", mode = p.mode })
    run:expect(recovered "orders", { from = node_lost, within = 3*s })
    run:expect(good("catalog", 99.5), { from = node_lost, over = 20*s })
    run:expect(good("checkout", 97), { from = node_lost, over = 20*s })
    run:expect(lost("orders", 0), { from = node_lost })
    node_lost:revert()
  end,
}
