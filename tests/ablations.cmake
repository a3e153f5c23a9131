# Ablations: test PROPERTY with FUNCTION of the engine replaced by nothing.  It must fail, and say why.
file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/ablated.c.in "void __wrap_@function@(void);\nvoid __wrap_@function@(void)\n{\n}\n")
function(gx_ablation property function says)
    set(target ablation_${property}_${function})
    configure_file(${CMAKE_CURRENT_BINARY_DIR}/ablated.c.in ${CMAKE_CURRENT_BINARY_DIR}/${target}.c @ONLY)
    add_executable(${target} prop/test_${property}.c ${CMAKE_CURRENT_BINARY_DIR}/${target}.c)
    target_link_libraries(${target} PRIVATE gx_engine PkgConfig::cmocka -Wl,--wrap=${function})
    set_source_files_properties(${CMAKE_CURRENT_BINARY_DIR}/${target}.c PROPERTIES COMPILE_OPTIONS "-Wno-pedantic")
    add_test(NAME ablation/${property}/${function} COMMAND ${target})
    set_tests_properties(ablation/${property}/${function} PROPERTIES TIMEOUT 600 PASS_REGULAR_EXPRESSION "${says}")
endfunction()
foreach(function gx_repair_frontier gx_serve_want gx_targets_timer)
    gx_ablation(chaos ${function} "lacks acknowledged message|another end of a log|another state")
endforeach()
add_executable(ablation_hostile_believes prop/test_hostile.c)
target_compile_definitions(ablation_hostile_believes PRIVATE NET_BELIEVES)
target_link_libraries(ablation_hostile_believes PRIVATE gx_engine PkgConfig::cmocka)
add_test(NAME ablation/hostile/every_signature_is_believed COMMAND ablation_hostile_believes)
set_tests_properties(ablation/hostile/every_signature_is_believed PROPERTIES TIMEOUT 600
    PASS_REGULAR_EXPRESSION "honest nodes 0 and|stored what nobody signed")
gx_ablation(chaos gx_guest_timer "n_lost > 0")      # nobody joins: the counters notice that nothing was tried

# What is shown on a network, whatever its mode: crypto/mutant.h.
add_executable(ablation_lan_mode unit/engine/test_lan.c)
target_link_libraries(ablation_lan_mode PRIVATE gx_mutant_engine PkgConfig::cmocka)
add_test(NAME ablation/lan/mode_ignored COMMAND ablation_lan_mode)
set_tests_properties(ablation/lan/mode_ignored PROPERTIES TIMEOUT 600
    PASS_REGULAR_EXPRESSION " 3 test\\(s\\), listed below:.*on_each_network_is_shown.*is_answered_as_the_mode")

# The law without one of its rules (WITHOUT in proto/law_work.h): the theorem that rests on it has to fail, by name.
add_library(law_theorems OBJECT prop/test_law.c ${law_sources})
target_link_libraries(law_theorems PRIVATE gx_proto PkgConfig::cmocka)
set(law_rules ${CMAKE_SOURCE_DIR}/proto/law.c ${CMAKE_SOURCE_DIR}/proto/law_rules.c)      # where WITHOUT is asked
function(gx_law_ablation without theorem)
    set(target ablation_law_${without})
    add_executable(${target} ${law_rules} $<TARGET_OBJECTS:law_theorems>)
    target_compile_definitions(${target} PRIVATE GX_LAW_WITHOUT=${without})
    target_link_libraries(${target} PRIVATE gx_proto PkgConfig::cmocka)
    add_test(NAME ablation/law/${without} COMMAND ${target})
    set_tests_properties(ablation/law/${without} PROPERTIES TIMEOUT 600 PASS_REGULAR_EXPRESSION "T${theorem} fails [0-9]+ times"
        ENVIRONMENT "GX_SEEDS=2000")
endfunction()
foreach(theorem RANGE 1 10)
    gx_law_ablation(${theorem} ${theorem})
endforeach()
gx_law_ablation(40 4)       # an admission outlives a removal concurrent with it
gx_law_ablation(90 9)       # a copied admission takes a seat again
gx_law_ablation(11 1)       # the last name that came is the last in L
