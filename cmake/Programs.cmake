# The binary, and the programs that measure.

include(cmake/Lessons.cmake)

file(GLOB app_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/apps/*.cpp)
list(FILTER app_sources EXCLUDE REGEX "_test\\.cpp$|/main\\.cpp$")
split_by_json(app_sources json_app_sources plain_app_sources)
add_library(tinyllm_json_apps OBJECT ${json_app_sources})
target_link_libraries(tinyllm_json_apps PRIVATE tinyllm_flags tinyllm_libraries)
add_library(tinyllm_apps STATIC ${plain_app_sources} $<TARGET_OBJECTS:tinyllm_json_apps>)
target_link_libraries(tinyllm_apps PUBLIC tinyllm_lessons tinyllm CLI11::CLI11 PkgConfig::EDIT)
foreach(part IN ITEMS tinyllm_apps tinyllm_json_apps)
  target_compile_options(${part} PRIVATE $<$<CONFIG:Release>:-O1>)  # cold as well, but for what measures
endforeach()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  set_property(SOURCE ${CMAKE_SOURCE_DIR}/src/apps/read_bandwidth.cpp APPEND PROPERTY COMPILE_OPTIONS -O2)
endif()
add_executable(tinyllm_bin ${CMAKE_SOURCE_DIR}/src/apps/main.cpp)
set_target_properties(tinyllm_bin PROPERTIES OUTPUT_NAME tinyllm)
target_link_libraries(tinyllm_bin PRIVATE tinyllm_apps)
install(TARGETS tinyllm_bin RUNTIME)

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
  foreach(peak IN ITEMS "avx2|-mavx2 -mfma" "avxvnni|-mavx2 -mavxvnni" "avx512|-mavx512f -mavx512bw -mavx512vnni"
      "avx512bf16|-mavx512f -mavx512bf16" "amx|-mamx-tile -mamx-bf16")
    string(REPLACE "|" ";" peak "${peak}")
    list(GET peak 0 isa)
    list(GET peak 1 flags)
    separate_arguments(flags)
    set_property(SOURCE ${CMAKE_SOURCE_DIR}/bench/peaks_${isa}.cpp APPEND PROPERTY COMPILE_OPTIONS ${flags})
  endforeach()
endif()

# The CUDA kernels alone, against the device's ceilings of the same run; built by name only, to be carried to a GPU.
if(TINYLLM_HAS_CUDA)
  compile_cuda(bench_objects ${CMAKE_SOURCE_DIR}/bench/cuda/read_bandwidth.cu)
  foreach(bench IN ITEMS linear one_row attention sampling)
    add_executable(cuda_${bench}_bench EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/bench/cuda/${bench}_bench.cpp
      ${CMAKE_SOURCE_DIR}/bench/cuda/bench_device.cpp ${bench_objects})
    target_include_directories(cuda_${bench}_bench PRIVATE ${CMAKE_SOURCE_DIR}/bench/cuda)
    target_link_libraries(cuda_${bench}_bench PRIVATE tinyllm)
    target_link_options(cuda_${bench}_bench PRIVATE LINKER:--as-needed)
    set_target_properties(cuda_${bench}_bench PROPERTIES BUILD_WITH_INSTALL_RPATH ON INSTALL_RPATH "$ORIGIN/lib")
  endforeach()
endif()

# What bench/grammar.py drives; built by hand only.
add_executable(grammar_worker EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/bench/grammar_worker.cpp)
target_link_libraries(grammar_worker PRIVATE tinyllm)

# The exact search over vectors alone; built by hand only.
add_executable(vector_scan EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/bench/vector_scan.cpp)
target_link_libraries(vector_scan PRIVATE tinyllm)
