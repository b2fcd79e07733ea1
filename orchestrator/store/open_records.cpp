#include "orchestrator/store/open_records.hpp"

#include <algorithm>
#include <vector>

namespace faultline::store {

void OpenRecords::take(const Entry& entry) {
  if (entry.kind == RecordKind::lasting) {
    return leave(entry.run, entry.lasting);
  }
  if (entry.fault.empty()) {
    return;
  }
  if (closes(entry.kind)) {
    return close(entry);
  }
  auto found = faults_.find(entry.fault);
  if (found == faults_.end()) {
    found = faults_.emplace(entry.fault, Fault{.number = next_++}).first;
  }
  auto& fault = found->second;
  if (entry.kind == RecordKind::intended && !fault.intended) {
    fault.intended = true;
    fault.run = entry.run;
    fault.lasting = entry.lasting;
    ++runs_[fault.run].open;
  }
  keep(fault, entry);
}

void OpenRecords::keep(Fault& fault, const Entry& entry) {
  fault.records += entry.bytes;
  bytes_ += entry.bytes.size();
}

void OpenRecords::close(const Entry& entry) {
  const auto found = faults_.find(entry.fault);
  const bool ours = found != faults_.end() && found->second.intended;
  if (found != faults_.end()) {
    bytes_ -= found->second.records.size();
  }
  if (!ours) {
    auto& other = faults_[std::string(entry.fault)];
    other = {.number = next_++};
    return keep(other, entry);
  }
  const auto fault = std::move(found->second);
  faults_.erase(found);
  leave(fault.run, fault.lasting);
  const auto run = runs_.find(fault.run);
  if (--run->second.open == 0) {
    for (const auto& lasting : run->second.lasting) {
      bytes_ -= lasting.size();
    }
    runs_.erase(run);
  }
}

void OpenRecords::leave(std::string_view run, std::string_view lasting) {
  const auto found = runs_.find(run);
  if (found == runs_.end() || lasting.empty()) {
    return;
  }
  if (found->second.lasting.emplace(lasting).second) {
    bytes_ += lasting.size();
  }
}

void OpenRecords::each(const std::function<void(const Entry&)>& visit) const {
  std::vector<const Fault*> faults;
  for (const auto& [id, fault] : faults_) {
    faults.push_back(&fault);
  }
  std::ranges::sort(faults, {}, &Fault::number);
  for (const auto* fault : faults) {
    for (std::string_view left = fault->records; !left.empty();) {
      const auto entry = *decode(left);
      left.remove_prefix(entry.bytes.size());
      visit(entry);
    }
  }
  for (const auto& [id, run] : runs_) {
    for (const auto& lasting : run.lasting) {
      auto record = Json::parse(lasting, nullptr, false);
      if (record.is_object()) {  // else not one of ours, and no undo
        record.update({{"type", "lasting"}, {"run", id}});
        const auto bytes = encode(record).value_or("");
        if (const auto entry = decode(bytes)) {
          visit(*entry);
        }
      }
    }
  }
}

}  // namespace faultline::store
