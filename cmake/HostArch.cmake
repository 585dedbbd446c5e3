# TINYLLM_HOST_HAS_V3: the CPU that configures this build has AVX2, FMA and F16C (x86-64-v3).
set(TINYLLM_HOST_HAS_V3 OFF)
if(NOT CMAKE_CROSSCOMPILING AND CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64" AND EXISTS /proc/cpuinfo)
  file(STRINGS /proc/cpuinfo flags_line REGEX "^flags" LIMIT_COUNT 1)
  if(flags_line MATCHES " avx2 " AND flags_line MATCHES " fma " AND flags_line MATCHES " f16c ")
    set(TINYLLM_HOST_HAS_V3 ON)
  endif()
endif()
