return environment {
  name = "lab", staging = true, zones = { "a", "b" },
  probes = { x = tcp { address = "10.0.0.10:80", rate = 1 } },
}
