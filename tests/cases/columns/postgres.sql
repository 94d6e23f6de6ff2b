-- One attempt a line to learn of columns that are not for this reader: salary, diagnosis, email, fraud, wealth, wealth_again.
-- rows and row types
select people from people order by user_id limit 3
select p from people p order by user_id limit 3
select p.* from people p order by user_id limit 3
select * from people order by user_id
table people
select (p).salary from people p
select (p.*).salary from people p
select p.salary from people p
select row(p.*) from people p order by user_id limit 3
select row_to_json(p) from people p order by user_id limit 3
select to_json(p) from people p order by user_id limit 3
select to_jsonb(p) from people p order by user_id limit 3
select to_jsonb(p)->>'salary' from people p order by user_id limit 3
select json_agg(p) from people p where user_id < 4
select jsonb_agg(p order by user_id) from people p where user_id < 4
select json_build_object('x', p) from people p order by user_id limit 2
select p::text from people p order by user_id limit 3
select cast(p as text) from people p order by user_id limit 3
select cast(people as varchar) from people order by user_id limit 3
select array_agg(p order by user_id) from people p where user_id < 3
select count(distinct p) from people p
select max(p::text) from people p
select md5(p::text) from people p order by user_id limit 2
select length(p::text) from people p order by user_id limit 2
select concat(p) from people p order by user_id limit 2
select p = p from people p limit 1
select p < (select q from people q order by user_id limit 1) from people p order by user_id limit 3
select p is not null from people p order by user_id limit 2
select salary(p) from people p
select people.salary from people
select p #>> '{salary}' from people p
select hstore(p) from people p
select each(hstore(p)) from people p
select json_each(to_json(p)) from people p
select jsonb_populate_record(p, '{}') from people p
select json_object_keys(to_json(p)) from people p
select * from people as t(a, b, c, d, e, f, g) order by a limit 2
select f from people as t(a, b, c, d, e, f) order by a limit 2
select salary from people as t(a, b, c, d, e, salary) order by a limit 2
select user, current_catalog, localtime from people limit 1
select "current_user" from people
select h from people as t(a, b, c, d, e, f, g, h)
select (select p from people q limit 1) from people p limit 1
-- xml
select xmltable('x') from people
select * from xmltable('/r' passing query_to_xml('select salary from raw.people', true, true, '') columns s text)
select query_to_xml('select salary from raw.people', true, true, '')
select table_to_xml('raw.people', true, true, '')
select database_to_xml(true, true, '')
select schema_to_xml('raw', true, true, '')
select cursor_to_xml('answer', 1, true, true, '')
select query_to_xmlschema('select * from raw.people', true, true, '')
select table_to_xml_and_xmlschema('raw.people', true, true, '')
select xmlforest(p.salary) from people p
select xmlelement(name x, p) from people p
select xmlagg(xmlelement(name x, p)) from people p
-- plain references
select salary from people
select "salary" from people
select "SALARY" from people
select SALARY from people
select U&"sal\0061ry" from people
select "salаry" from people
select sal/**/ary from people
select /*+ x */ salary from people
select raw.people.salary from people
select salary from raw.people
select salary from only people
select * from raw.people
select * from postgres.raw.people
select * from public.people
select * from ostiary_view_x.people
select * from "raw"."people"
select * from raw."people"
select * from "raw.people"
select user_id from people where salary > 0
select user_id from people order by salary
select country from people group by country having max(salary) > 0
select a.user_id from people a join people b using (salary)
select a.user_id from people a join people b on a.salary = b.salary
select count(*) from people a natural join (select 7104729 as salary) b
select user_id from people where (user_id, salary) in (select user_id, salary from people)
select count(*) filter (where fraud) from people
select rank() over (order by salary) from people
select percentile_cont(0.5) within group (order by salary) from people
select string_agg(country, ',' order by salary) from people
select distinct on (salary) user_id from people
select (select max(salary) from people) from people limit 1
select l.s from people p, lateral (select p.salary as s) l
select l.* from people p, lateral (select p.*) l order by 1 limit 2
with c as (select * from people) select salary from c
with c as (select * from people) select * from c order by user_id limit 2
with recursive r as (select 1 as n union all select n + 1 from r where n < 4) select n from r order by n
with recursive r(n) as (select min(salary) from people union all select n + 1 from r where n < 3) select * from r
with x as (delete from raw.people returning *) select * from x
with x as (insert into raw.people(user_id) values (1) returning *) select * from x
with x as (update raw.people set amount = 1 returning *) select * from x
select user_id from people union all select salary from people
select wealth from people
select wealth_again from people
select doubled - amount * 2 from people order by user_id limit 2
-- hidden and system columns
select ctid from people
select xmin, xmax from people
select tableoid from people
select oid from people
select cmin from people
select p.ctid from people p
select tableoid::regclass from people
-- catalogue and statistics
select * from pg_stats
select * from pg_catalog.pg_stats
select most_common_vals from pg_stats where attname = 'salary'
select * from pg_statistic
select * from pg_attribute
select attname from pg_catalog.pg_attribute where attrelid = 'raw.people'::regclass
select * from pg_class
select reltuples from pg_class where relname = 'people'
select * from information_schema.columns
select * from pg_views
select definition from pg_views where viewname = 'people'
select pg_get_viewdef('people'::regclass)
select pg_get_viewdef('people')
select * from pg_roles
select * from pg_authid
select * from pg_user
select * from pg_stat_activity
select * from pg_stat_user_tables
select * from pg_settings
select * from pg_hba_file_rules
select * from pg_stat_statements
select pg_relation_size('raw.people')
select pg_total_relation_size('people')
select pg_column_size(p) from people p
select pg_column_size(p.salary) from people p
select has_column_privilege('raw.people', 'salary', 'select')
select col_description('people'::regclass, 1)
select obj_description('people'::regclass)
select 'raw.people'::regclass
select 'raw.people'::regclass::oid::int
select to_regclass('raw.people')
select to_regtype('raw.people')
select 'people'::regtype
select null::people
select null::raw.people
select (null::raw.people).salary
select jsonb_populate_record(null::raw.people, '{}')
select current_user, session_user
select current_role
select current_database()
select current_schema
select current_schemas(true)
select current_setting('search_path')
select current_setting('data_directory')
select version()
select inet_server_addr()
select pg_postmaster_start_time()
-- functions that do or read something
select pg_read_file('/etc/passwd')
select pg_catalog.pg_read_file('/etc/passwd')
select pg_read_binary_file('/etc/passwd')
select pg_ls_dir('/')
select pg_stat_file('/etc/passwd')
select lo_import('/etc/passwd')
select lo_export(1, '/tmp/x')
select lo_get(1)
select set_config('role', 'none', true)
select set_config('role', 'projector', false), query_to_xml('select * from raw.people', true, true, '')
select set_config('search_path', 'raw', false)
select set_config('statement_timeout', '0', false)
select currval('s')
select nextval('s')
select lastval()
select setval('s', 1)
select pg_sleep(0.1)
select pg_sleep_for('1 second')
select pg_advisory_lock(1)
select pg_terminate_backend(1)
select pg_cancel_backend(1)
select pg_reload_conf()
select pg_notify('x', 'y')
select txid_current()
select dblink('host=127.0.0.1', 'select 1')
select * from dblink('x', 'select salary from raw.people') as t(s int)
select ts_stat('select salary from raw.people')
select * from ts_stat('select to_tsvector(diagnosis) from raw.people')
select ts_rewrite('a'::tsquery, 'select a, b from x')
select * from crosstab('select 1')
select pg_logical_emit_message(true, 'x', 'y')
select pg_export_snapshot()
select generate_series(1, 3) from people order by 1 limit 3
select * from generate_series(1, 3) g order by 1
select * from unnest(array[1, 2]) u order by 1
select getpgusername()
select row_security_active('people')
select pg_backend_pid()
select operator(pg_catalog.=)(1, 1)
select 1 operator(pg_catalog.+) 1
-- errors as an answer
select cast(diagnosis as int) from people
select cast(p as int) from people p
select cast(country as int) from people
select cast(cast(p as text) as int) from people p
select 1 / (salary - 7104729) from people
select 1 / (user_id - 3) from people
select 1 / (amount - amount) from people
select salry from people
select p.amountt from people p
select x.amount from people p
select * from peoplee
select amount + country from people
select nofunction(1) from people
select sqrt(-1)
select ln(0)
select substring(country from -1 for -2) from people
select repeat(country, 1000000) from people limit 1
select cast('1e400' as double precision)
-- other statements
select 1; select salary from people
select 1; drop view people
; select salary from people
explain select salary from people
explain (analyze, verbose) select * from people
create table x as select * from people
create temp table x as select 1
create function f() returns int as 'select 1' language sql
insert into raw.people(user_id) values (1)
update raw.people set salary = 1
delete from raw.people
truncate raw.people
drop table raw.people
alter table raw.people add column x int
grant select on raw.people to public
set role projector
reset role
set session authorization postgres
set search_path = raw
show search_path
show all
copy raw.people to stdout
copy (select salary from raw.people) to '/tmp/x'
copy raw.people from program 'id'
do $$ begin perform 1; end $$
call x()
listen x
notify x
declare c cursor for select salary from raw.people
fetch all from answer
close answer
commit
rollback
lock table raw.people
vacuum
analyze raw.people
prepare q as select salary from raw.people
execute q
values (1)
select * into x from people
select * from people for update
select * from people for share
select $1 from people
select :x from people
select * from people tablesample system (100)
select * from people tablesample bernoulli (100) repeatable (1) order by user_id limit 1
select * from rows from (generate_series(1, 2)) x
select e'sal\x61ry' from people limit 1
select $$x$$ from people limit 1
select $a$;drop table x$a$ from people limit 1
select '\'; select salary from people; --' from people
