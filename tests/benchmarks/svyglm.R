# Median seconds of svyglm on the matrices that the Python benchmarks fit, as JSON: one fit of model 1 with its
# covariance, declaring the design, and one refit of model 2 on bootstrap replicates.
suppressPackageStartupMessages(library(survey))
seconds <- function(action, times) median(replicate(times, system.time(action())[["elapsed"]]))
declare <- function(data) {
  design <- svydesign(ids = ~psu, strata = ~strata, weights = ~w, data = data, nest = TRUE)
  subset(design, inside == 1)
}
right_side <- function(data) as.formula(paste("y ~", paste(grep("^x", names(data), value = TRUE), collapse = " + ")))
control <- glm.control(epsilon = 1e-13)

files <- commandArgs(trailingOnly = TRUE)
data <- read.csv(files[1])
domain <- declare(data)
fit <- function() vcov(svyglm(right_side(data), design = domain, family = quasibinomial(), control = control))
invisible(fit()) # warm up

# R's own default convergence, which is quicker than the 1e-11 asked of the batched fits.
second <- read.csv(files[2])
replicates <- as.svrepdesign(declare(second), type = "subbootstrap", replicates = 50)
refit <- function() suppressWarnings(svyglm(right_side(second), design = replicates, family = quasibinomial()))
cat(jsonlite::toJSON(list(fit = seconds(fit, 15), design = seconds(function() declare(data), 5),
                          refit = seconds(refit, 3) / 50), auto_unbox = TRUE, digits = NA))
