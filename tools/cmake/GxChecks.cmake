# The walls between the layers, in the sources and in what was built, as ctests.  Each has a self-test that shows it can fail.
find_package(Python3 REQUIRED COMPONENTS Interpreter)

function(gx_check name)
    add_test(NAME ${name} COMMAND Python3::Interpreter -B ${ARGN} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(${name} PROPERTIES TIMEOUT 300 LABELS check SKIP_RETURN_CODE 77)
endfunction()

set(tools ${CMAKE_SOURCE_DIR}/tools)
gx_check(walls/sources ${tools}/check-walls)
gx_check(walls/sources_self_test ${tools}/check-walls --self-test)
gx_check(walls/symbols ${tools}/check-symbols ${CMAKE_BINARY_DIR})
gx_check(walls/symbols_self_test ${tools}/check-symbols --self-test ${CMAKE_BINARY_DIR})
