# The binary, the tests and the fuzz targets.

# The lessons' tests: in the binary, which runs them in a child process on a learner's code.
file(GLOB lesson_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/course/tests/*.cpp)
add_library(tinyllm_lessons STATIC ${lesson_sources})
target_link_libraries(tinyllm_lessons PUBLIC tinyllm)

file(GLOB app_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/apps/*.cpp)
list(FILTER app_sources EXCLUDE REGEX "_test\\.cpp$|/main\\.cpp$")
add_library(tinyllm_apps STATIC ${app_sources})
target_link_libraries(tinyllm_apps PUBLIC tinyllm_lessons tinyllm CLI11::CLI11 PkgConfig::EDIT)
add_executable(tinyllm_bin ${CMAKE_SOURCE_DIR}/src/apps/main.cpp)
set_target_properties(tinyllm_bin PROPERTIES OUTPUT_NAME tinyllm)
target_link_libraries(tinyllm_bin PRIVATE tinyllm_apps)
install(TARGETS tinyllm_bin RUNTIME)

if(TINYLLM_TESTS)
  file(GLOB_RECURSE unit_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/*_test.cpp)
  if(TINYLLM_SANITIZE STREQUAL "thread")  # they replace operator new, which TSan's runtime has already done
    list(FILTER unit_sources EXCLUDE REGEX "/([a-z]+_)?allocation(_counter)?_test\\.cpp$")
  endif()
  add_executable(unit_tests ${unit_sources})
  target_link_libraries(unit_tests PRIVATE tinyllm_apps GTest::gtest_main GTest::gmock)
  target_compile_definitions(unit_tests PRIVATE TINYLLM_SOURCE_DIR="${CMAKE_SOURCE_DIR}")

  file(GLOB golden_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/golden/*_test.cpp)
  add_executable(golden_tests ${golden_sources})
  target_link_libraries(golden_tests PRIVATE tinyllm GTest::gtest_main GTest::gmock)
  target_compile_definitions(golden_tests PRIVATE TINYLLM_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
endif()

if(TINYLLM_FUZZ)
  file(GLOB fuzz_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/fuzz/fuzz_*.cpp)
  target_compile_options(tinyllm PUBLIC -fsanitize=fuzzer-no-link)
  foreach(source IN LISTS fuzz_sources)
    get_filename_component(target ${source} NAME_WE)
    add_executable(${target} ${source})
    target_link_libraries(${target} PRIVATE tinyllm)
    target_link_options(${target} PRIVATE -fsanitize=fuzzer)
  endforeach()
endif()

# The engine as one of the programs that `./tiny peers` compares; built by it only.
add_executable(peer_worker EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/bench/peer_worker.cpp)
target_link_libraries(peer_worker PRIVATE tinyllm_apps)
add_dependencies(peer_worker tinyllm_bin)  # ./tiny takes a build that worked for one of the binary
