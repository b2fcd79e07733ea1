#include "targets/lab/database/schema.hpp"

#include <fmt/format.h>

#include <cstdint>

namespace faultline::database {
namespace {

constexpr int layout = 1;  ///< raise it when the options of the template change, not its schema

std::uint64_t fnv1a(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  }
  return hash;
}

}  // namespace

std::string_view schema() {
  return R"(FLUSH PRIVILEGES;
CREATE USER 'app'@'%' IDENTIFIED BY 'lab';
CREATE USER 'manager'@'%' IDENTIFIED BY 'lab';
CREATE DATABASE shop;
CREATE DATABASE faultline;
GRANT ALL ON shop.* TO 'app'@'%';
GRANT ALL ON faultline.* TO 'app'@'%';
GRANT ALL ON *.* TO 'manager'@'%';
USE shop;
CREATE TABLE products(
  tenant VARCHAR(20), id VARCHAR(20), name VARCHAR(80) NOT NULL, price_cents INT NOT NULL,
  PRIMARY KEY(tenant, id)) ENGINE=InnoDB;
INSERT INTO products
  SELECT CONCAT('tenant-', t.seq), CONCAT('p', p.seq),
         CONCAT('tenant-', t.seq, ' product ', p.seq), 199 + 50 * p.seq
  FROM seq_1_to_20 t, seq_1_to_200 p;
CREATE TABLE orders(
  id BIGINT AUTO_INCREMENT PRIMARY KEY, tenant VARCHAR(20) NOT NULL,
  idempotency_key VARCHAR(80) NOT NULL UNIQUE, product VARCHAR(20) NOT NULL,
  amount_cents INT NOT NULL, payment VARCHAR(40) NOT NULL,
  created TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)) ENGINE=InnoDB;
USE faultline;
CREATE TABLE writes(
  writer VARCHAR(80), n BIGINT, value VARCHAR(80), PRIMARY KEY(writer, n)) ENGINE=InnoDB;
CREATE TABLE heartbeats(
  probe VARCHAR(80) PRIMARY KEY, run VARCHAR(20) NOT NULL, beat BIGINT NOT NULL) ENGINE=InnoDB;
)";
}

std::string template_name(std::string_view version) {
  auto from = version.find("Ver ");
  from = from == version.npos ? 0 : from + 4;
  const auto number = version.substr(from, version.find_first_of("- \n", from) - from);
  return fmt::format("mariadb-{}-{}-{:016x}", number, layout, fnv1a(schema()));
}

}  // namespace faultline::database
