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

  # The binary with a make_backend of its own, linked before the archive's: its backend fails in a given step.
  add_executable(tinyllm_failing ${CMAKE_SOURCE_DIR}/src/apps/main.cpp ${CMAKE_SOURCE_DIR}/tests/e2e/failing_backend.cpp)
  target_link_libraries(tinyllm_failing PRIVATE tinyllm_apps)

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

# Every kernel alone, for `./tiny microbench`; built by it only. Each probe of a peak has the flags of its instruction set.
find_package(benchmark QUIET)
if(benchmark_FOUND)
  file(GLOB microbench_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/bench/microbench.cpp ${CMAKE_SOURCE_DIR}/bench/peaks_*.cpp)
  if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    list(FILTER microbench_sources EXCLUDE REGEX "/peaks_")
  endif()
  add_executable(microbench EXCLUDE_FROM_ALL ${microbench_sources})
  target_link_libraries(microbench PRIVATE tinyllm_apps benchmark::benchmark)
  add_dependencies(microbench tinyllm_bin)
  foreach(peak IN ITEMS "avx2|-mavx2 -mfma" "avxvnni|-mavx2 -mavxvnni" "avx512|-mavx512f -mavx512bw -mavx512vnni")
    string(REPLACE "|" ";" peak "${peak}")
    list(GET peak 0 isa)
    list(GET peak 1 flags)
    separate_arguments(flags)
    set_property(SOURCE ${CMAKE_SOURCE_DIR}/bench/peaks_${isa}.cpp APPEND PROPERTY COMPILE_OPTIONS ${flags})
  endforeach()
endif()
