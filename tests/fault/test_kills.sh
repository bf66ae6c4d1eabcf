# Workers that are processes, killed and stopped at random moments, under each launcher; see
# bench/faults, and `bench/cluster faults` for the long form with links that are cut.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMP_NUM_THREADS=1
export OMPI_MCA_rmaps_base_oversubscribe=1

faults()
{
	python3 "${TUTTI_SOURCE:?}/bench/faults" 6 2 --epochs 6 --timeout 2 --hosts localhost:3 --verbose \
		--launcher "$1"
}

# What is said of a rank that is killed while all start depends on the moment, and is not always
# complete yet: once more then, and both times are shown.
for launcher in ssh mpirun; do
	faults $launcher
	code=$?
	[ $code -eq 1 ] && { faults $launcher; code=$?; }
	[ $code -eq 0 ] || [ $code -eq 77 ] || exit $code
done
