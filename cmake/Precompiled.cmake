# Large headers are parsed once: in the release build, the sanitizer builds and the Arm tree. The others compile each file with what
# it includes itself, and so does clang-tidy (tools/run_clang_tidy.sh): there a missing include is an error.

# Files with code generation flags of their own cannot read what was parsed without them.
function(keep_own_flags sources)
  foreach(source IN LISTS ${sources})
    get_source_file_property(options ${source} COMPILE_OPTIONS)
    if(CMAKE_BUILD_TYPE STREQUAL "Release")
      string(GENEX_STRIP "${options}" options)
    endif()
    if(options MATCHES "(^|;)-[fmO]|CONFIG")
      set_property(SOURCE ${source} PROPERTY SKIP_PRECOMPILE_HEADERS ON)
    endif()
  endforeach()
endfunction()

if(CMAKE_BUILD_TYPE STREQUAL "Release" OR CMAKE_BUILD_TYPE STREQUAL "Check")
  keep_own_flags(library_sources)
  set(small_headers <algorithm> <chrono> <filesystem> <functional> <map> <memory> <optional> <string> <vector> <fmt/format.h>)
  target_precompile_headers(tinyllm PRIVATE ${small_headers})
  target_precompile_headers(tinyllm_cold PRIVATE ${small_headers})
  # Not for all: what json.hpp leaves to be instantiated costs 0.4 s in each file that reads it.
  target_precompile_headers(tinyllm_json PRIVATE ${small_headers} <nlohmann/json.hpp>)
  if(TINYLLM_PROGRAMS)
    keep_own_flags(app_sources)
    target_precompile_headers(tinyllm_apps REUSE_FROM tinyllm_cold)
    target_precompile_headers(tinyllm_json_apps REUSE_FROM tinyllm_json)
  endif()
  if(TARGET unit_tests)
    target_precompile_headers(unit_tests PRIVATE ${small_headers} <gtest/gtest.h> <gmock/gmock.h>)
    target_precompile_headers(golden_tests REUSE_FROM unit_tests)
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # g++ 12 takes functions of std::string that it reads from a precompiled header for the program's own, and warns of
    # overflows in them that are none (its bug 105329).
    foreach(target IN ITEMS tinyllm tinyllm_cold tinyllm_json tinyllm_apps tinyllm_json_apps)
      if(TARGET ${target})
        target_compile_options(${target} PRIVATE -Wno-array-bounds -Wno-restrict -Wno-stringop-overflow)
      endif()
    endforeach()
  endif()
endif()
