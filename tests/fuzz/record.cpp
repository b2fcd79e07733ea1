#include "orchestrator/report/html.hpp"
#include "orchestrator/report/summary.hpp"

#include <cstdlib>

/// The run-record reader: any JSON becomes a summary and a page, never an exception.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto record = nlohmann::json::parse(data, data + size, nullptr, false);
  if (record.is_discarded()) {
    return 0;
  }
  const auto text = faultline::report::summary_text(record, true);
  const auto page = faultline::report::html_page({record, record});
  if (text.empty() || page.find("</html>") == std::string::npos) {
    std::abort();
  }
  return 0;
}
