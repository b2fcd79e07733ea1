# faultline_embed(TARGET FILE...): compiles text files into TARGET. They are read with
#   std::string_view faultline::embedded_<target>(std::string_view path);  empty when unknown
# declared by the user of the file; <target> without its "faultline_" prefix.
function(faultline_embed target)
  string(REPLACE "faultline_" "" short ${target})
  get_target_property(kind ${target} TYPE)
  if(kind STREQUAL "INTERFACE_LIBRARY")
    return()
  endif()
  set(entries "")
  set(found "")
  foreach(file ${ARGN})
    if(EXISTS ${CMAKE_SOURCE_DIR}/${file})
      file(READ ${CMAKE_SOURCE_DIR}/${file} text)
      set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${file})
      string(APPEND entries "  if (path == \"${file}\") {\n    return R\"__FL__(${text})__FL__\";\n  }\n")
    endif()
  endforeach()
  set(generated ${CMAKE_BINARY_DIR}/generated/${short}_embedded.cpp)
  file(CONFIGURE OUTPUT ${generated} @ONLY CONTENT [[// Generated from the files named below.
#include <string_view>

namespace faultline {
std::string_view embedded_@short@(std::string_view path);
std::string_view embedded_@short@(std::string_view path) {
@entries@  return {};
}
}  // namespace faultline
]])
  target_sources(${target} PRIVATE ${generated})
  set_source_files_properties(${generated} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
endfunction()
