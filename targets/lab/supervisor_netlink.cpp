#include "targets/lab/supervisor_netlink.hpp"

#include "targets/lab/supervisor_namespaces.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <functional>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <optional>
#include <sys/socket.h>
#include <vector>

namespace faultline::lab {
namespace {

constexpr std::size_t read_bytes = 64u << 10;  // the kernel fills at most 32 KiB of a dump at once
constexpr int tries = 5;                       // of a dump that something changed meanwhile

Error system_error(const std::string& what) {
  return {ErrorKind::io, fmt::format("{}: {}", what, std::strerror(errno))};
}

/// An attribute of a message: its type without flags, its payload.
struct Attribute {
  int type = 0;
  std::string_view payload;
};

/// Attributes one after the other, each padded to 4 bytes.
std::vector<Attribute> attributes(std::string_view bytes) {
  std::vector<Attribute> all;
  while (bytes.size() >= sizeof(nlattr)) {
    nlattr head{};
    std::memcpy(&head, bytes.data(), sizeof head);
    if (head.nla_len < sizeof head || head.nla_len > bytes.size()) {
      break;
    }
    all.push_back(
        {head.nla_type & NLA_TYPE_MASK, bytes.substr(sizeof head, head.nla_len - sizeof head)});
    bytes.remove_prefix(std::min<std::size_t>(bytes.size(), NLA_ALIGN(head.nla_len)));
  }
  return all;
}

/// Everything of one kind that the kernel has in the caller's namespace.
class Dump {
 public:
  /// `body`: what follows the header of a request and of each message.
  using Each = std::function<void(std::string_view body)>;

  explicit Dump(int protocol)
      : socket_(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol)), buffer_(read_bytes) {}

  /// False when something changed meanwhile: what `each` got is a mixture.
  Result<bool> ask(int type, std::string_view body, const Each& each) {
    nlmsghdr head{};
    head.nlmsg_len = static_cast<std::uint32_t>(NLMSG_LENGTH(body.size()));
    head.nlmsg_type = static_cast<std::uint16_t>(type);
    head.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    std::string request(NLMSG_ALIGN(head.nlmsg_len), '\0');
    std::memcpy(request.data(), &head, sizeof head);
    std::memcpy(request.data() + NLMSG_HDRLEN, body.data(), body.size());
    if (!socket_ || ::send(socket_.get(), request.data(), request.size(), 0) < 0) {
      return system_error("cannot ask the kernel for its rules and routes");
    }
    whole_ = true;
    Result<bool> more = true;
    while (more && *more) {
      more = read_some(each);
    }
    return more ? Result<bool>(whole_) : more;
  }

 private:
  /// False at the end.
  Result<bool> read_some(const Each& each) {
    const ssize_t got = ::recv(socket_.get(), buffer_.data(), buffer_.size(), 0);
    if (got < 0 && errno == EINTR) {
      return true;
    }
    if (got <= 0) {
      return system_error("cannot read the kernel's rules and routes");
    }
    std::string_view rest(buffer_.data(), static_cast<std::size_t>(got));
    while (rest.size() >= sizeof(nlmsghdr)) {
      nlmsghdr head{};
      std::memcpy(&head, rest.data(), sizeof head);
      if (head.nlmsg_len < sizeof head || head.nlmsg_len > rest.size()) {
        break;
      }
      const auto body = rest.substr(NLMSG_HDRLEN, head.nlmsg_len - NLMSG_HDRLEN);
      whole_ = whole_ && (head.nlmsg_flags & NLM_F_DUMP_INTR) == 0;
      if (head.nlmsg_type == NLMSG_DONE || head.nlmsg_type == NLMSG_ERROR) {
        return ended(body);
      }
      each(body);
      rest.remove_prefix(std::min<std::size_t>(rest.size(), NLMSG_ALIGN(head.nlmsg_len)));
    }
    return true;
  }

  /// The end of a dump and a refusal both begin with an error number, negative; 0: all was told.
  Result<bool> ended(std::string_view body) {
    int error = 0;
    std::memcpy(&error, body.data(), std::min(sizeof error, body.size()));
    if (error == 0 || error == -EINTR || error == -EAGAIN) {  // a rule set that is being replaced
      whole_ = whole_ && error == 0;
      return false;
    }
    errno = -error;
    return system_error("the kernel does not tell its rules and routes");
  }

  net::Fd socket_;
  std::vector<char> buffer_;
  bool whole_ = true;
};

std::uint32_t digest(std::uint32_t so_far, std::string_view bytes) {  // FNV-1a
  for (const char c : bytes) {
    so_far = (so_far ^ static_cast<unsigned char>(c)) * 16'777'619u;
  }
  return so_far;
}

std::string_view family(int number) {
  switch (number) {
    case NFPROTO_INET:
      return "inet";
    case NFPROTO_IPV4:
      return "ip";
    case NFPROTO_IPV6:
      return "ip6";
    case NFPROTO_ARP:
      return "arp";
    case NFPROTO_BRIDGE:
      return "bridge";
    default:
      return "netdev";
  }
}

/// Chains of a table, rules of a chain, or tables: what is read of each.
struct Part {
  int message;
  int name;                    ///< the attribute with the table's name
  std::array<int, 4> ignored;  ///< attributes that differ without the contents' being other ones
  int RuleTable::*count;       ///< nullptr: not counted
};
constexpr std::array<Part, 3> parts{{
    {NFT_MSG_GETTABLE, NFTA_TABLE_NAME, {NFTA_TABLE_HANDLE, 0, 0, 0}, nullptr},
    {NFT_MSG_GETCHAIN,
     NFTA_CHAIN_TABLE,
     {NFTA_CHAIN_HANDLE, NFTA_CHAIN_COUNTERS, NFTA_CHAIN_ID, 0},
     &RuleTable::chains},
    {NFT_MSG_GETRULE,
     NFTA_RULE_TABLE,
     {NFTA_RULE_HANDLE, NFTA_RULE_POSITION, 0, 0},
     &RuleTable::rules},
}};

nfgenmsg generic_head(std::string_view body) {
  nfgenmsg generic{};
  std::memcpy(&generic, body.data(), std::min(sizeof generic, body.size()));
  return generic;
}

void take(RuleTables& tables, const Part& part, std::string_view body) {
  const auto generic = generic_head(body);
  const auto all = attributes(body.substr(std::min(body.size(), NLMSG_ALIGN(sizeof generic))));
  const auto named = std::ranges::find(all, part.name, &Attribute::type);
  if (named == all.end() || named->payload.empty()) {
    return;
  }
  const auto name = named->payload.substr(0, named->payload.size() - 1);  // its zero
  auto& table = tables[fmt::format("{} {}", family(generic.nfgen_family), name)];
  for (const auto& attribute : all) {
    if (std::ranges::find(part.ignored, attribute.type) == part.ignored.end()) {
      const auto head = fmt::format("{}:{}:", attribute.type, attribute.payload.size());
      table.digest = digest(digest(table.digest, head), attribute.payload);
    }
  }
  if (part.count != nullptr) {
    ++(table.*part.count);
  }
}

Result<bool> read_tables(RuleTables& tables) {
  Dump dump(NETLINK_NETFILTER);
  bool whole = true;
  std::optional<std::uint16_t> generation;  // of the rule set; each change has the next
  for (const auto& part : parts) {
    nfgenmsg generic{};
    generic.nfgen_family = NFPROTO_UNSPEC;
    generic.version = NFNETLINK_V0;
    const auto asked =
        dump.ask((NFNL_SUBSYS_NFTABLES << 8) | part.message,
                 std::string_view(reinterpret_cast<const char*>(&generic), sizeof generic),
                 [&](std::string_view body) {
                   const auto now = generic_head(body).res_id;
                   whole = whole && generation.value_or(now) == now;
                   generation = now;
                   take(tables, part, body);
                 });
    if (!asked) {
      return asked.error();
    }
    whole = whole && *asked;
  }
  return whole;
}

std::string address(std::string_view payload) {
  std::array<char, INET_ADDRSTRLEN> text{};
  return payload.size() == sizeof(in_addr) &&
                 ::inet_ntop(AF_INET, payload.data(), text.data(), text.size()) != nullptr
             ? text.data()
             : "?";
}

/// Into the main table's routes; others are those of the host's own addresses. A clone is what the
/// kernel itself has learnt, as from a router's redirect, and will forget.
void take(Routes& routes, std::string_view body) {
  rtmsg route{};
  std::memcpy(&route, body.data(), std::min(sizeof route, body.size()));
  if (route.rtm_table != RT_TABLE_MAIN || (route.rtm_flags & RTM_F_CLONED) != 0) {
    return;
  }
  std::string to = "default";
  std::vector<std::string> way;
  if (route.rtm_type == RTN_BLACKHOLE) {
    way.emplace_back("blackhole");
  }
  for (const auto& attribute :
       attributes(body.substr(std::min(body.size(), NLMSG_ALIGN(sizeof route))))) {
    if (attribute.type == RTA_DST) {
      to = fmt::format("{}/{}", address(attribute.payload), route.rtm_dst_len);
    } else if (attribute.type == RTA_GATEWAY) {
      way.push_back("via " + address(attribute.payload));
    } else if (attribute.type == RTA_OIF && attribute.payload.size() == sizeof(unsigned)) {
      unsigned index = 0;
      std::memcpy(&index, attribute.payload.data(), sizeof index);
      std::array<char, IF_NAMESIZE> name{};
      const bool named = ::if_indextoname(index, name.data()) != nullptr;
      way.push_back(fmt::format("dev {}", named ? name.data() : std::to_string(index)));
    }
  }
  if ((route.rtm_flags & RTNH_F_LINKDOWN) != 0) {
    way.emplace_back(link_down.substr(1));
  }
  auto& ways = routes[to];  // several when they differ in their priority
  ways += fmt::format("{}{}", ways.empty() ? "" : " or ", fmt::join(way, " "));
}

Result<bool> read_routes(Routes& routes) {
  rtmsg any{};
  any.rtm_family = AF_INET;
  return Dump(NETLINK_ROUTE)
      .ask(RTM_GETROUTE, std::string_view(reinterpret_cast<const char*>(&any), sizeof any),
           [&](std::string_view body) { take(routes, body); });
}

/// Reads inside the host until nothing changed meanwhile.
template <class T>
Result<T> read_whole(const std::string& host, Result<bool> (*read)(T& into)) {
  T found;
  bool whole = false;
  auto done = inside(host, [&]() -> Result<> {
    for (int i = 0; i < tries && !whole; ++i) {
      found = {};
      const auto asked = read(found);
      if (!asked) {
        return asked.error();
      }
      whole = *asked;
    }
    return {};
  });
  if (!done) {
    return done.error();
  }
  if (!whole) {
    return Error{ErrorKind::io,
                 fmt::format("the rules and routes of {} changed while they were read, {} times",
                             host, tries)};
  }
  return found;
}

}  // namespace

std::string RuleTable::in_words() const {
  return fmt::format("{} {}, {} {}, digest {:08x}", chains, chains == 1 ? "chain" : "chains", rules,
                     rules == 1 ? "rule" : "rules", digest);
}

Result<RuleTables> rule_tables(const std::string& host) {
  return read_whole<RuleTables>(host, read_tables);
}

Result<Routes> routes(const std::string& host) {
  return read_whole<Routes>(host, read_routes);
}

}  // namespace faultline::lab
