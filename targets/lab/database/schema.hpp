#pragma once

#include <string>
#include <string_view>

namespace faultline::database {

inline constexpr std::string_view manager_user = "manager";  ///< may do everything
inline constexpr std::string_view password = "lab";          ///< no secret: the lab is sealed

/// What a new database holds besides the server's own tables: schemas, users, and the catalogue of
/// 20 tenants with 200 products each.
std::string_view schema();

/// The name of a template in a cache: it changes with the server's version or the schema.
/// `version` is what `mariadbd --version` says: "mariadbd  Ver 10.11.19-MariaDB-... for ...".
std::string template_name(std::string_view version);

}  // namespace faultline::database
