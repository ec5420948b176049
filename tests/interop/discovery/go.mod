module jovian.tests/discovery

go 1.21

require github.com/bilibili/discovery v1.2.0
