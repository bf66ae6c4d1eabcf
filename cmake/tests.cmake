# Tests: every tests/unit/**/test_*.c and tests/*/test_*.c is one cmocka program, every
# tests/fuzz/fuzz_*.c one fuzz target.  Both see the library's internals.

pkg_check_modules(CMOCKA IMPORTED_TARGET cmocka)
if(NOT CMOCKA_FOUND)
	message(STATUS "cmocka is not there: no tests are built")
	return()
endif()

set(TEST_TIMEOUT 60)            # seconds, where tests/timeouts.txt says nothing else
if(TUTTI_SANITIZE)
	set(TEST_SLOWER 5)          # sanitizers cost time
else()
	set(TEST_SLOWER 1)
endif()
# intercept_tls_get_addr: GCC 12's sanitizer takes what lies before a thread's block of a loaded library
# for glibc 2.19's header, and now and then looks for leaks where no memory is.
set(TEST_ENVIRONMENT
	"TUTTI_SOURCE=${PROJECT_SOURCE_DIR}"
	"TUTTI_BINARY=${PROJECT_BINARY_DIR}/tutti"
	"TUTTI_MPIRUN=${MPIEXEC_EXECUTABLE}"
	"ASAN_OPTIONS=allocator_may_return_null=1:detect_stack_use_after_return=1:intercept_tls_get_addr=0"
	"LSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/lsan.txt:print_suppressions=0"
	"UBSAN_OPTIONS=print_stacktrace=1"
	"TSAN_OPTIONS=allocator_may_return_null=1:suppressions=${PROJECT_SOURCE_DIR}/tests/tsan.txt"
	"OMP_WAIT_POLICY=passive" "OPENBLAS_NUM_THREADS=1")

# Lines "name seconds [slow]": for the few tests that need longer.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/timeouts.txt)
file(STRINGS ${PROJECT_SOURCE_DIR}/tests/timeouts.txt timeout_lines REGEX "^[a-z]")
foreach(line IN LISTS timeout_lines)
	string(REGEX MATCH "^([^ \t]+)[ \t]+([0-9]+)[ \t]*([a-z]*)" ignored "${line}")
	set(timeout_of_${CMAKE_MATCH_1} ${CMAKE_MATCH_2})
	set(label_of_${CMAKE_MATCH_1} ${CMAKE_MATCH_3})
endforeach()

# register(NAME LABEL COMMAND...)
function(register name label)
	set(seconds ${TEST_TIMEOUT})
	if(DEFINED timeout_of_${name})
		set(seconds ${timeout_of_${name}})
	endif()
	math(EXPR seconds "${seconds} * ${TEST_SLOWER}")
	add_test(NAME ${name} COMMAND ${ARGN})
	# The long ones begin first, so that none is left to run alone at the end.
	set_tests_properties(${name} PROPERTIES TIMEOUT ${seconds} COST ${seconds}
		LABELS "${label};${label_of_${name}}" ENVIRONMENT "${TEST_ENVIRONMENT}" SKIP_RETURN_CODE 77)
endfunction()

file(GLOB support CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/support/*.c)
list(FILTER support EXCLUDE REGEX "/(test_[^/]*|plug_stub\\.c)$")
list(JOIN TUTTI_PLUGS " " test_plugs)
add_library(test_support STATIC ${support})
target_include_directories(test_support PUBLIC ${PROJECT_SOURCE_DIR}/tests)
target_compile_definitions(test_support PUBLIC TEST_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
	TEST_BINARY_DIR="${PROJECT_BINARY_DIR}" TEST_PLUGS="${test_plugs}")
target_link_libraries(test_support PUBLIC tutti_static PkgConfig::CMOCKA)
find_program(TUTTI_MOLD mold)   # there are hundreds to link, and each holds the whole archive
mark_as_advanced(TUTTI_MOLD)
if(TUTTI_MOLD)
	target_link_options(test_support PUBLIC -fuse-ld=mold)
endif()

# Plugs that are shared objects, for tests/unit/sys/test_plug.c; the stranger is of another tutti.
foreach(stub stub second stranger)
	add_library(plug_${stub} MODULE ${PROJECT_SOURCE_DIR}/tests/support/plug_stub.c)
	target_link_libraries(plug_${stub} PRIVATE tutti_flags)
	target_compile_definitions(plug_${stub} PRIVATE STUB_NAME="${stub}")
	set_target_properties(plug_${stub} PROPERTIES PREFIX "" OUTPUT_NAME device-${stub}
		LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/stub-plugs)
endforeach()
target_compile_definitions(plug_stranger PRIVATE STUB_HOME)

# tests/unit/base/test_file.c is the test base_file with the label base;
# tests/op/test_conv.c is op_conv with the label op.
file(GLOB_RECURSE unit_tests CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/unit/test_*.c)
file(GLOB other_tests CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/*/test_*.c)
list(APPEND unit_tests ${other_tests})
list(REMOVE_DUPLICATES unit_tests)
foreach(source IN LISTS unit_tests)
	cmake_path(GET source STEM stem)
	cmake_path(GET source PARENT_PATH folder)
	cmake_path(GET folder FILENAME folder)
	string(REGEX REPLACE "^test_" "" stem ${stem})
	set(name ${folder}_${stem})
	add_executable(test_${name} ${source})
	target_link_libraries(test_${name} PRIVATE test_support)
	if(source MATCHES "/tests/unit/cli/")
		target_link_libraries(test_${name} PRIVATE tutti_kit)
	endif()
	register(${name} ${folder} test_${name})
endforeach()

# The runner must be able to say no.
if(TARGET test_support_fails)
	set_tests_properties(support_fails PROPERTIES WILL_FAIL TRUE)
endif()

# Under clang's libFuzzer a target is for long runs by hand; otherwise its own main
# replays the corpus and some thousand mutations, and that is a test.
file(GLOB fuzz_targets CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/fuzz/fuzz_*.c)
add_custom_target(fuzzers)      # all of them and nothing else, for `make fuzz`
foreach(source IN LISTS fuzz_targets)
	cmake_path(GET source STEM name)
	if(TUTTI_LIBFUZZER)
		add_executable(${name} ${source})
		target_link_options(${name} PRIVATE -fsanitize=fuzzer)
		add_dependencies(fuzzers ${name})
	else()
		add_executable(${name} ${source} ${PROJECT_SOURCE_DIR}/tests/fuzz/main.c)
		register(${name} fuzz ${name} ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name} 3000)
	endif()
	target_link_libraries(${name} PRIVATE tutti_kit test_support)
endforeach()

# Scripts: exit status 77 means skipped.
file(GLOB scripts CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/*/test_*.sh
	${PROJECT_SOURCE_DIR}/tests/*/test_*.py)
foreach(source IN LISTS scripts)
	cmake_path(GET source STEM stem)
	cmake_path(GET source EXTENSION extension)
	cmake_path(GET source PARENT_PATH folder)
	cmake_path(GET folder FILENAME folder)
	string(REGEX REPLACE "^test_" "" stem ${stem})
	if(extension STREQUAL ".py")
		register(${folder}_${stem} ${folder} python3 ${source})
	else()
		register(${folder}_${stem} ${folder} bash ${source})
	endif()
endforeach()
