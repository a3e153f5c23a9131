# Checks of the sources and of what was built, as ctests.  Each has a self-test that shows it can fail.
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
gx_check(wire/spec ${tools}/check-wire)
gx_check(wire/spec_self_test ${tools}/check-wire --self-test)

# Golden vectors are what their scripts compute.  A script without --check is a module of the others.
file(GLOB scripts CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/vectors/*.py)
foreach(script ${scripts})
    file(STRINGS ${script} takes_check REGEX "--check")
    if(takes_check)
        get_filename_component(name ${script} NAME_WE)
        gx_check(vectors/${name} ${script} --check)
    endif()
endforeach()
