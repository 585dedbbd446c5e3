# Warnings, compiler cache, linker and sanitizers: everything that holds for every target.

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g")
# Sanitizers and cross builds: lines in a stack trace, no variables; folders with much to compute get -O1 (Sources.cmake).
set(CMAKE_CXX_FLAGS_CHECK "-O0 -g1")

add_library(tinyllm_flags INTERFACE)
target_compile_options(tinyllm_flags INTERFACE -Wall -Wextra -Werror -Wmissing-declarations)
target_include_directories(tinyllm_flags INTERFACE ${CMAKE_SOURCE_DIR}/src)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ starts to collect its garbage at 256 MB instead of 128: a tenth off the time of a file full of templates.
  target_compile_options(tinyllm_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:--param=ggc-min-heapsize=262144>)
endif()

find_program(CCACHE ccache)
if(CCACHE)
  # The words without which it keeps nothing that was compiled with precompiled headers (Precompiled.cmake).
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
endif()

# What base/version tells builds apart by: not every compiler asks for it.
target_link_options(tinyllm_flags INTERFACE LINKER:--build-id=sha1)

find_program(MOLD mold)
if(MOLD AND NOT CMAKE_CROSSCOMPILING)
  target_link_options(tinyllm_flags INTERFACE -fuse-ld=mold)
endif()

# ASan watches everything; UBSan watches the numeric folders only (Sources.cmake): it triples the compile time of code
# full of templates and finds its faults where numbers are made.
if(TINYLLM_SANITIZE)
  target_compile_options(tinyllm_flags INTERFACE -fsanitize=${TINYLLM_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(tinyllm_flags INTERFACE -fsanitize=${TINYLLM_SANITIZE})
  if(TINYLLM_SANITIZE STREQUAL "address")
    target_link_options(tinyllm_flags INTERFACE -fsanitize=undefined)
  endif()
endif()
