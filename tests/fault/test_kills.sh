# Workers that are processes, killed and stopped at random moments, under each launcher; see
# bench/faults, and `bench/cluster faults` for the long form with links that are cut.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMP_NUM_THREADS=1
export OMPI_MCA_rmaps_base_oversubscribe=1
for launcher in ssh mpirun; do
	python3 "${TUTTI_SOURCE:?}/bench/faults" 6 2 --epochs 6 --timeout 2 --hosts localhost:3 --verbose \
		--launcher $launcher
	code=$?
	[ $code -eq 0 ] || [ $code -eq 77 ] || exit $code
done
