# Unit tests, golden tests and fuzz targets.

if(TINYLLM_TESTS)
  file(GLOB_RECURSE unit_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/*_test.cpp)
  set(unit_libraries tinyllm GTest::gtest_main GTest::gmock)
  if(TINYLLM_PROGRAMS AND NOT TINYLLM_SANITIZE)
    list(PREPEND unit_libraries tinyllm_apps)
  else()
    list(FILTER unit_sources EXCLUDE REGEX "/src/apps/")  # a third of what there is to compile
  endif()
  if(NOT TINYLLM_PROGRAMS)
    # What needs programs, and what only walks over texts and files: it does the same on every CPU.
    list(FILTER unit_sources EXCLUDE REGEX
      "/src/(agent|api|client|grammar|kv_store|learn|model_store|openai|retrieval|server|text|tool_call)/")
  endif()
  if(NOT TINYLLM_HAS_CUDA)
    list(FILTER unit_sources EXCLUDE REGEX "/src/kernels/cuda/")
  endif()
  if(TINYLLM_SANITIZE STREQUAL "thread")
    # Some replace operator new, which TSan's runtime has already done; in some folders nothing starts a thread.
    list(FILTER unit_sources EXCLUDE REGEX "/([a-z]+_)?allocation(_counter)?_test\\.cpp$")
    list(FILTER unit_sources EXCLUDE REGEX "/src/(cache|model_store|sampling|tensor|text)/")
    # It forks, and TSan ends a child of a program with threads that starts one.
    list(FILTER unit_sources EXCLUDE REGEX "/retrieval/refresh_test\\.cpp$")
  endif()
  add_executable(unit_tests ${unit_sources})
  target_link_libraries(unit_tests PRIVATE ${unit_libraries})
  # At -O1 g++ 12 takes the copy of a long string literal for a write past the string's own 32 bytes (GCC bug 105651).
  target_compile_options(unit_tests PRIVATE "$<$<CXX_COMPILER_ID:GNU>:-Wno-array-bounds;-Wno-stringop-overflow>")

  if(TINYLLM_HAS_CUDA)
    # The tests of the CUDA backend alone, to be carried to a machine with a GPU (tools/gpu_check.sh).
    set(cuda_test_sources ${unit_sources})
    list(FILTER cuda_test_sources INCLUDE REGEX "/src/kernels/cuda/")
    add_executable(cuda_tests EXCLUDE_FROM_ALL ${cuda_test_sources} ${CMAKE_SOURCE_DIR}/tests/golden/cuda_engine_test.cpp
      ${CMAKE_SOURCE_DIR}/tests/golden/cuda_one_row_test.cpp)
    target_link_libraries(cuda_tests PRIVATE tinyllm GTest::gtest_main)
    target_compile_definitions(cuda_tests PRIVATE TINYLLM_SOURCE_DIR=".")  # tools/gpu_check.sh brings the tiny models along
    target_link_options(cuda_tests PRIVATE LINKER:--as-needed)
    set_target_properties(cuda_tests PROPERTIES BUILD_RPATH "$ORIGIN/lib" BUILD_WITH_INSTALL_RPATH ON INSTALL_RPATH "$ORIGIN/lib")
  endif()

  if(TINYLLM_PROGRAMS)
    # The binary with a make_backend of its own, linked before the archive's: its backend fails in a given step.
    add_executable(tinyllm_failing ${CMAKE_SOURCE_DIR}/src/apps/main.cpp ${CMAKE_SOURCE_DIR}/tests/e2e/failing_backend.cpp)
    target_link_libraries(tinyllm_failing PRIVATE tinyllm_apps)
  endif()

  file(GLOB golden_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/golden/*_test.cpp)
  if(NOT TINYLLM_HAS_CUDA)
    list(FILTER golden_sources EXCLUDE REGEX "/cuda_[a-z_]+\\.cpp$")
  endif()
  add_executable(golden_tests ${golden_sources})
  target_link_libraries(golden_tests PRIVATE tinyllm GTest::gtest_main GTest::gmock)
  foreach(tests IN ITEMS unit_tests golden_tests)
    target_compile_definitions(${tests} PRIVATE TINYLLM_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    target_compile_options(${tests} PRIVATE $<$<CONFIG:Release>:-O1>)  # what they call is optimised, and takes the time
  endforeach()

  # What the tests in tests/differential compare with tokenizers, transformers and jinja2.
  add_executable(answer_cases ${CMAKE_SOURCE_DIR}/tests/differential/answer_cases.cpp)
  target_link_libraries(answer_cases PRIVATE tinyllm)
endif()

if(TINYLLM_FUZZ)
  file(GLOB fuzz_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/fuzz/fuzz_*.cpp)
  target_compile_options(tinyllm_flags INTERFACE -fsanitize=fuzzer-no-link)
  add_custom_target(fuzz_targets)
  foreach(source IN LISTS fuzz_sources)
    get_filename_component(target ${source} NAME_WE)
    add_executable(${target} ${source})
    target_link_libraries(${target} PRIVATE tinyllm)
    target_link_options(${target} PRIVATE -fsanitize=fuzzer)
    add_dependencies(fuzz_targets ${target})
  endforeach()
endif()
