# Small files of one folder are compiled together, a few at a time: each header is read once for all of them, which halves the
# time of a build. Names in anonymous namespaces must therefore differ within a folder. What has flags or definitions of its
# own stays alone, and so does each file that a lesson's learner writes anew: the learner's object takes its place
# (cmake/Sources.cmake). The dev trees compile each file alone.

set(files_at_once 8)
# Tables of one form, with the same names; tests of CUDA kernels, which few people build; tests with an operator new of their
# own; what a test replaces (tests/e2e/failing_backend.cpp, the planted task of tests/course/test_kinds_of_files.py).
set(stays_alone "/openai/fields_|/kernels/cuda/|allocation(_counter)?_test|/kernels/make/|/cache/block_pool\\.cpp")

# The files of src/ that lessons replace, with their folder and ending.
file(GLOB task_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/course/tasks/*/task.toml)
set(lesson_engine_files)
foreach(task IN LISTS task_files)
  file(STRINGS ${task} line REGEX "^engine_file = ")
  string(REGEX REPLACE "^engine_file = \"([^\"]*)\".*" "\\1" engine_file "${line}")
  list(APPEND lesson_engine_files ${CMAKE_SOURCE_DIR}/src/${engine_file}.cpp)
endforeach()

function(compile_together target)
  if(CMAKE_BUILD_TYPE STREQUAL "Debug")
    return()
  endif()
  get_target_property(sources ${target} SOURCES)
  list(FILTER sources INCLUDE REGEX "^${CMAKE_SOURCE_DIR}/.*\\.cpp$")
  list(SORT sources)
  set(last_folder)
  foreach(source IN LISTS sources)
    get_source_file_property(options ${source} COMPILE_OPTIONS)
    get_source_file_property(definitions ${source} COMPILE_DEFINITIONS)
    if(options OR definitions OR source IN_LIST lesson_engine_files OR source MATCHES "${stays_alone}")
      continue()
    endif()
    cmake_path(GET source PARENT_PATH folder)
    if(NOT folder STREQUAL last_folder OR n_in_group EQUAL files_at_once)
      set(last_folder ${folder})
      set(n_in_group 0)
      cmake_path(GET source STEM first)
      cmake_path(RELATIVE_PATH folder BASE_DIRECTORY ${CMAKE_SOURCE_DIR})
      string(REPLACE "/" "_" name "${folder}_${first}")
    endif()
    math(EXPR n_in_group "${n_in_group} + 1")
    set_property(SOURCE ${source} PROPERTY UNITY_GROUP ${name})
  endforeach()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # A class of a .cpp file that holds one of its anonymous namespace: g++ takes the file for a header.
    target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
endfunction()

foreach(target IN ITEMS tinyllm tinyllm_cold tinyllm_json tinyllm_apps tinyllm_json_apps unit_tests)
  if(TARGET ${target})
    compile_together(${target})
  endif()
endforeach()
