# libtinyllm.a: all of src/ but apps/ and the tests. One archive without LTO, one object a file: a learner's
# object linked before it replaces the engine's file (course/README.md).

file(GLOB_RECURSE library_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/*.cpp)
list(FILTER library_sources EXCLUDE REGEX "_test\\.cpp$|/src/apps/")
if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  list(FILTER library_sources EXCLUDE REGEX "/src/kernels/cpu/(avx|amx/)")
endif()
if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  list(FILTER library_sources EXCLUDE REGEX "/src/kernels/cpu/neon")
endif()
if(NOT TINYLLM_PROGRAMS)
  list(FILTER library_sources EXCLUDE REGEX "/src/(agent|client|learn|openai|retrieval|server)/")
endif()
if(TINYLLM_HAS_CUDA)
  list(FILTER library_sources EXCLUDE REGEX "/src/kernels/no_cuda/")
  file(GLOB_RECURSE cuda_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/kernels/cuda/*.cu)
  compile_cuda(cuda_objects ${cuda_sources})
else()
  list(FILTER library_sources EXCLUDE REGEX "/src/kernels/cuda/")
endif()
file(GLOB_RECURSE web_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/web/*)
set(embedded_web ${CMAKE_BINARY_DIR}/web_files.cpp)
add_custom_command(OUTPUT ${embedded_web} VERBATIM
  COMMAND ${CMAKE_COMMAND} -DWEB=${CMAKE_SOURCE_DIR}/web -DOUT=${embedded_web} -P ${CMAKE_SOURCE_DIR}/cmake/embed_web.cmake
  DEPENDS ${web_sources} ${CMAKE_SOURCE_DIR}/cmake/embed_web.cmake)
# Those of the files that include nlohmann/json.hpp, and the others.
function(split_by_json sources json_sources other_sources)
  set(with_json)
  set(without_json)
  foreach(source IN LISTS ${sources})
    file(STRINGS ${source} found REGEX "#include <nlohmann/json.hpp>" LIMIT_COUNT 1)
    if(found)
      list(APPEND with_json ${source})
    else()
      list(APPEND without_json ${source})
    endif()
  endforeach()
  set(${json_sources} ${with_json} PARENT_SCOPE)
  set(${other_sources} ${without_json} PARENT_SCOPE)
endfunction()

set(numeric_folders tensor|quant|rope|loader|kernels|encoder|reference|sampling|schedule|cache)
set(busy_folders ${numeric_folders}|text|grammar|tool_call)

# Cold files talk to people, disks and networks, render templates or walk JSON: many C++ templates that seldom run. They
# get -O1, which takes a fifth off their compile time. Parsing JSON is warm: a tokenizer's file and a request have megabytes.
split_by_json(library_sources json_sources warm_sources)
set(json_parser ${CMAKE_SOURCE_DIR}/src/base/json_parse.cpp)
list(REMOVE_ITEM json_sources ${json_parser})
set(cold_sources ${warm_sources})
if(CMAKE_BUILD_TYPE STREQUAL "Check")
  list(FILTER cold_sources EXCLUDE REGEX "/src/(${busy_folders})/")  # all that has little to compute
else()
  list(FILTER cold_sources INCLUDE REGEX "/src/(agent|client|learn|model_store|openai|retrieval|server|text/jinja)/")
endif()
list(REMOVE_ITEM warm_sources ${cold_sources})
add_library(tinyllm_cold OBJECT ${cold_sources})
add_library(tinyllm_json OBJECT ${json_sources})
foreach(part IN ITEMS tinyllm_cold tinyllm_json)
  target_link_libraries(${part} PUBLIC tinyllm_flags tinyllm_libraries)
  target_compile_options(${part} PRIVATE $<$<CONFIG:Release>:-O1>)
endforeach()

add_library(tinyllm STATIC ${warm_sources} ${json_parser} $<TARGET_OBJECTS:tinyllm_cold> $<TARGET_OBJECTS:tinyllm_json>
  ${embedded_web} ${cuda_objects})
target_link_libraries(tinyllm PUBLIC tinyllm_flags tinyllm_libraries)
if(TINYLLM_HAS_CUDA)
  target_include_directories(tinyllm SYSTEM PUBLIC ${CUDA_ROOT}/include)
  target_link_libraries(tinyllm PUBLIC ${CUDART_STATIC} ${CMAKE_DL_LIBS} rt)
endif()
set_source_files_properties(${CMAKE_SOURCE_DIR}/src/base/version.cpp PROPERTIES
  COMPILE_DEFINITIONS TINYLLM_VERSION="${PROJECT_VERSION}")

# The Check builds optimise the folders that compute much. UBSan instruments those whose work is numbers, but for the kernels of
# an instruction set: it makes eight times the code of their templates.
target_compile_options(tinyllm PRIVATE $<$<CONFIG:Check>:-O1>)
set(busy_json_sources ${json_sources})
list(FILTER busy_json_sources INCLUDE REGEX "/src/(${busy_folders})/")
set_property(SOURCE ${busy_json_sources} APPEND PROPERTY COMPILE_OPTIONS $<$<CONFIG:Check>:-O1>)
if(TINYLLM_SANITIZE STREQUAL "address")
  set(watched_sources ${library_sources})
  list(FILTER watched_sources INCLUDE REGEX "/src/(${numeric_folders})/")
  list(FILTER watched_sources EXCLUDE REGEX "/src/kernels/cpu/(avx|amx/|neon)")
  set_property(SOURCE ${watched_sources} APPEND PROPERTY COMPILE_OPTIONS
    -fsanitize=undefined -fno-sanitize-recover=undefined)
  # In the kernels each check is a call, not code on the spot: 17 s instead of 43 for a file of many templates.
  set(kernel_sources ${library_sources})
  list(FILTER kernel_sources INCLUDE REGEX "/src/kernels/cpu/(avx|amx/|neon)")
  set_property(SOURCE ${kernel_sources} APPEND PROPERTY COMPILE_OPTIONS
    -mllvm -asan-instrumentation-with-call-threshold=0)
endif()

# The reference path: plain loops that the compiler may reorder and vectorise.
set(reference_sources ${library_sources})
list(FILTER reference_sources INCLUDE REGEX "/src/(kernels/cpu/scalar|kernels/cpu/layout|reference|quant)/")
set(reference_flags -O3)
if(NOT TINYLLM_STRICT_FLOAT)
  list(APPEND reference_flags -fno-math-errno -fno-signed-zeros -fno-trapping-math -fassociative-math)
endif()
if(TINYLLM_REFERENCE_ARCH STREQUAL "auto")
  include(HostArch)  # sets TINYLLM_HOST_HAS_V3
  if(TINYLLM_HOST_HAS_V3)
    list(APPEND reference_flags -march=x86-64-v3)
  endif()
elseif(NOT TINYLLM_REFERENCE_ARCH STREQUAL "none")
  list(APPEND reference_flags -march=${TINYLLM_REFERENCE_ARCH})
endif()
set_property(SOURCE ${reference_sources} APPEND PROPERTY COMPILE_OPTIONS ${reference_flags})

# Sampling: the same bits on every machine, so every operation as written, none fused or moved. The two
# -fno flags change no value; they let the compiler turn the loops into vector code.
set(sampling_sources ${library_sources})
list(FILTER sampling_sources INCLUDE REGEX "/src/sampling/")
set_property(SOURCE ${sampling_sources} APPEND PROPERTY COMPILE_OPTIONS
  -O3 -ffp-contract=off -fno-math-errno -fno-trapping-math)

# What is stored must be the same bytes on every machine: no product and sum fused into one rounding.
set(quant_sources ${library_sources})
list(FILTER quant_sources INCLUDE REGEX "/src/(quant|kernels/cpu/layout)/")
set_property(SOURCE ${quant_sources} APPEND PROPERTY COMPILE_OPTIONS -ffp-contract=off)

# Instruction sets: each folder of kernels/cpu gets its own flags, and no fused multiply-add that is not written.
set(kernel_optimisation $<IF:$<CONFIG:Check>,-O1,-O3>)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  set(avx2_sources ${library_sources})
  list(FILTER avx2_sources INCLUDE REGEX "/src/kernels/cpu/avx2/")
  set_property(SOURCE ${avx2_sources} APPEND PROPERTY COMPILE_OPTIONS ${kernel_optimisation} -mavx2 -mfma -mf16c -ffp-contract=off)
  set(avxvnni_sources ${library_sources})
  list(FILTER avxvnni_sources INCLUDE REGEX "/src/kernels/cpu/avxvnni/")
  set_property(SOURCE ${avxvnni_sources} APPEND PROPERTY COMPILE_OPTIONS ${kernel_optimisation} -mavx2 -mfma -mf16c -mavxvnni
    -ffp-contract=off)
  set(avx512_sources ${library_sources})
  list(FILTER avx512_sources INCLUDE REGEX "/src/kernels/cpu/avx512/")
  set_property(SOURCE ${avx512_sources} APPEND PROPERTY COMPILE_OPTIONS ${kernel_optimisation} -mavx2 -mfma -mf16c -mavx512f
    -mavx512bw -mavx512dq -mavx512vl -mavx512vbmi -mavx512vnni -ffp-contract=off)
  set(avx512bf16_sources ${library_sources})
  list(FILTER avx512bf16_sources INCLUDE REGEX "/src/kernels/cpu/avx512bf16/")
  set_property(SOURCE ${avx512bf16_sources} APPEND PROPERTY COMPILE_OPTIONS ${kernel_optimisation} -mavx512f -mavx512bw -mavx512vl
    -mavx512bf16 -ffp-contract=off)
  set(amx_sources ${library_sources})
  list(FILTER amx_sources INCLUDE REGEX "/src/kernels/cpu/amx/")
  set_property(SOURCE ${amx_sources} APPEND PROPERTY COMPILE_OPTIONS ${kernel_optimisation} -mavx2 -mfma -mamx-tile -mamx-bf16
    -ffp-contract=off)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  set(neon_sources ${library_sources})
  list(FILTER neon_sources INCLUDE REGEX "/src/kernels/cpu/neon/")
  set_property(SOURCE ${neon_sources} APPEND PROPERTY COMPILE_OPTIONS ${kernel_optimisation} -march=armv8.2-a+dotprod -ffp-contract=off)
  set(neonbf16_sources ${library_sources})
  list(FILTER neonbf16_sources INCLUDE REGEX "/src/kernels/cpu/neonbf16/")
  set_property(SOURCE ${neonbf16_sources} APPEND PROPERTY COMPILE_OPTIONS ${kernel_optimisation} -march=armv8.2-a+bf16 -ffp-contract=off)
endif()

# Asio's coroutine frames have an operator new and delete of their own, which g++ takes for a mismatch at -O1.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set(coroutine_sources ${library_sources})
  list(FILTER coroutine_sources INCLUDE REGEX "/src/server/http")
  set_property(SOURCE ${coroutine_sources} APPEND PROPERTY COMPILE_OPTIONS -Wno-mismatched-new-delete)
endif()
