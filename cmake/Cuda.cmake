# The CUDA backend: only where nvcc is, and never in a sanitizer or cross build. Each .cu is compiled by nvcc to an object of
# the archive; everything else stays C++, linked by the C++ compiler with the static CUDA runtime, which looks for the
# driver when it is first asked. So one binary starts on every machine.

set(TINYLLM_CUDA "auto" CACHE STRING "on: fail without nvcc; off: leave CUDA out; auto: where nvcc is")
set(TINYLLM_CUDA_CODE "compute_90a,code=sm_90a;compute_80,code=compute_80" CACHE STRING
    "what nvcc makes of each .cu: machine code for Hopper, PTX that the driver compiles for all others since Ampere")

set(TINYLLM_HAS_CUDA OFF)
if(NOT TINYLLM_CUDA STREQUAL "off" AND NOT TINYLLM_SANITIZE AND NOT CMAKE_CROSSCOMPILING)
  find_program(NVCC nvcc HINTS /usr/local/cuda/bin)
  if(NVCC)
    get_filename_component(nvcc_path ${NVCC} REALPATH)
    cmake_path(GET nvcc_path PARENT_PATH nvcc_folder)
    cmake_path(GET nvcc_folder PARENT_PATH CUDA_ROOT)
    find_library(CUDART_STATIC cudart_static HINTS ${CUDA_ROOT}/lib64 ${CUDA_ROOT}/lib REQUIRED)
    set(TINYLLM_HAS_CUDA ON)
  elseif(TINYLLM_CUDA STREQUAL "on")
    message(FATAL_ERROR "TINYLLM_CUDA is on, but there is no nvcc")
  endif()
endif()

set(nvcc_flags -std=c++20 -O3 -lineinfo --compiler-options=-Wall,-Wextra,-Werror -I${CMAKE_SOURCE_DIR}/src -I${CMAKE_SOURCE_DIR}/bench/cuda
    -Xptxas=--warn-on-spills,--warning-as-error --expt-relaxed-constexpr
    -DFMT_CONSTEVAL= -DFMT_USE_CONSTEXPR=1)  # CHECK in a .cu: nvcc does not follow fmt's checks at compile time
foreach(code IN LISTS TINYLLM_CUDA_CODE)
  list(APPEND nvcc_flags -gencode=arch=${code})
endforeach()

# Sets `objects` to one object a source. sources: .cu files.
function(compile_cuda objects)
  set(made)
  foreach(source IN LISTS ARGN)
    file(RELATIVE_PATH name ${CMAKE_SOURCE_DIR} ${source})
    set(object ${CMAKE_BINARY_DIR}/cuda/${name}.o)
    get_filename_component(folder ${object} DIRECTORY)
    file(MAKE_DIRECTORY ${folder})
    add_custom_command(OUTPUT ${object} VERBATIM DEPENDS ${source} DEPFILE ${object}.d
      COMMAND ${CMAKE_CXX_COMPILER_LAUNCHER} ${NVCC} ${nvcc_flags} -MD -MF ${object}.d -MT cuda/${name}.o -c ${source} -o ${object}
      COMMENT "nvcc ${name}")
    list(APPEND made ${object})
  endforeach()
  set(${objects} ${made} PARENT_SCOPE)
endfunction()
