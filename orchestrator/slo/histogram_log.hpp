#pragma once

#include "orchestrator/slo/histogram.hpp"
#include "targets/clock.hpp"

#include <string>
#include <string_view>

namespace faultline::slo {

/// The standard HdrHistogram log (format 1.3), as text: a header, then one line per interval, which
/// existing plotters and `HistogramLogAnalyzer` read.

/// `base`: the wall-clock time from which the lines count.
std::string log_header(WallTime base);
/// One interval of `length` that began `start` after the log's base. `tag` names the series when a
/// log holds several; what would break the line (commas, blanks) becomes '_'. Empty: no tag.
std::string log_line(std::string_view tag, Duration start, Duration length,
                     const Histogram& histogram);

}  // namespace faultline::slo
