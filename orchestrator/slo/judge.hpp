#pragma once

// What judging a window takes: its figures, what they establish, and the decision.
#include "orchestrator/slo/bounds.hpp"
#include "orchestrator/slo/decide.hpp"
#include "orchestrator/slo/recovery.hpp"
#include "orchestrator/slo/summary.hpp"
