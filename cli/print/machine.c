#include "print/machine.h"

#include <tutti/catalog.h>
#include <tutti/plug.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "kit/git.h"

#define LINE_MAX_LEN 16384

/* The instruction sets that decide which kernels can run. */
static const char *const telling_flags[] = {
	"sse4_2", "avx", "avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512vl", "avx512_vnni",
	"avx_vnni", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_bf16", "amx_int8",
	"asimd", "asimddp", "bf16", "i8mm", "sve", "sve2", NULL
};

/* Variables that change how fast or where a run goes. */
static const char *const telling_variables[] = {
	"TUTTI_DATA", "OMP_NUM_THREADS", "OMP_PROC_BIND", "OMP_PLACES", "OMP_WAIT_POLICY",
	"OPENBLAS_NUM_THREADS", "DNNL_MAX_CPU_ISA", "SLURM_JOB_ID", "SLURM_NODELIST",
	"OMPI_COMM_WORLD_SIZE", "CUDA_VISIBLE_DEVICES", "LANG", NULL
};

/* The value of a "key : value" line of /proc/cpuinfo, or NULL. */
static char *value_of(char *line, const char *key)
{
	size_t n = strlen(key);
	char  *colon = strchr(line, ':');

	if (strncmp(line, key, n) != 0 || (line[n] != '\t' && line[n] != ' ' && line[n] != ':') ||
	    !colon)
		return NULL;
	colon += strspn(colon, ": \t");
	colon[strcspn(colon, "\n")] = '\0';
	return colon;
}

static const char *pick_flags(struct arena *a, const char *all)
{
	struct str  s = { 0 };
	const char *out;

	for (const char *const *f = telling_flags; *f; f++) {
		size_t n = strlen(*f);

		for (const char *p = all; (p = strstr(p, *f)) != NULL; p += n)
			if ((p == all || p[-1] == ' ') && (p[n] == ' ' || p[n] == '\0')) {
				str_addf(&s, "%s%s", s.len ? " " : "", *f);
				break;
			}
	}
	out = arena_strdup(a, s.p ? s.p : "");
	str_release(&s);
	return out;
}

static void read_cpuinfo(struct arena *a, struct machine *m)
{
	FILE *f = fopen("/proc/cpuinfo", "re");
	char  line[LINE_MAX_LEN], *v;

	while (f && fgets(line, sizeof line, f) && !(m->cpu && m->instructions)) {
		if (!m->cpu && (v = value_of(line, "model name")) != NULL)
			m->cpu = arena_strdup(a, v);
		else if ((v = value_of(line, "flags")) != NULL ||
		         (v = value_of(line, "Features")) != NULL)
			m->instructions = pick_flags(a, v);
	}
	if (f)
		fclose(f);
}

tt_status machine_describe(struct arena *a, struct machine *out)
{
	struct machine m = { .cores = tt_cores() };
	struct utsname u;

	if (uname(&u) == 0) {
		m.host = arena_strdup(a, u.nodename);
		m.system = arena_printf(a, "%s %s %s", u.sysname, u.release, u.machine);
	}
	read_cpuinfo(a, &m);
	m.memory = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
	m.host = m.host ? m.host : "unknown";
	m.system = m.system ? m.system : "unknown";
	m.cpu = m.cpu ? m.cpu : "unknown";
	m.instructions = m.instructions ? m.instructions : "";
	*out = m;
	return TT_OK;
}

void machine_json(const struct machine *m, struct json *j)
{
	const int n = tt_plug_count();
	tt_plug   plug = { .size = sizeof plug };

	json_text(j, "tutti", tt_version());
	json_text(j, "host", m->host);
	json_text(j, "system", m->system);
	json_text(j, "cpu", m->cpu);
	json_text(j, "instructions", m->instructions);
	json_int(j, "cores", m->cores);
	json_number(j, "memory_bytes", m->memory);
	json_open(j, "libraries", '{');
	for (int i = 0; i < n; i++)
		if (tt_plug_get(i, &plug) == TT_OK)
			json_text(j, plug.name, plug.version ? plug.version : plug.why);
	json_close(j, '}');
}

static void add_command(const struct words *line, struct json *j)
{
	json_open(j, "command", '[');
	for (int i = 0; i < line->n; i++)
		json_text(j, NULL, line->v[i]);
	json_close(j, ']');
}

static void add_variables(struct json *j)
{
	json_open(j, "environment", '{');
	for (const char *const *v = telling_variables; *v; v++)
		if (getenv(*v))
			json_text(j, *v, getenv(*v));
	json_close(j, '}');
}

static void add_place_and_time(struct json *j)
{
	char      *cwd = getcwd(NULL, 0), commit[GIT_COMMIT_TEXT], stamp[32];
	time_t     now = time(NULL);
	struct tm  tm;

	if (cwd)
		json_text(j, "folder", cwd);
	free(cwd);
	if (localtime_r(&now, &tm) && strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S%z", &tm))
		json_text(j, "started", stamp);
	if (git_commit(commit))
		json_text(j, "git_commit", commit);
}

tt_status machine_environment(struct arena *a, const struct words *line, struct str *out)
{
	struct machine m;
	struct json    j = { 0 };
	tt_status      st = machine_describe(a, &m);

	if (st != TT_OK)
		return st;
	json_open(&j, NULL, '{');
	machine_json(&m, &j);
	add_command(line, &j);
	add_place_and_time(&j);
	add_variables(&j);
	json_close(&j, '}');
	if ((st = str_status(&j.text)) != TT_OK) {
		str_release(&j.text);
		return st;
	}
	*out = j.text;                            /* the text moves to the caller */
	return TT_OK;
}
