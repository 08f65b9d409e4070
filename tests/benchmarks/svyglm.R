# Seconds of svyglm on the matrices that the Python benchmarks fit, as JSON: one fit of model 1 with its covariance,
# declaring the design, one refit of model 2 on bootstrap replicates, and one of many models that differ in their knots.
#
#   Rscript svyglm.R MODEL_1_CSV MODEL_2_CSV KNOTS_CSV
suppressPackageStartupMessages({
  library(survey)
  library(Hmisc)
})
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
fit <- function(design = domain) vcov(svyglm(right_side(data), design = design, family = quasibinomial(),
                                             control = control))
invisible(fit()) # warm up

# R's own default convergence, which is quicker than the 1e-11 asked of the batched fits.
second <- read.csv(files[2])
replicates <- as.svrepdesign(declare(second), type = "subbootstrap", replicates = 50)
refit <- function() suppressWarnings(svyglm(right_side(second), design = replicates, family = quasibinomial()))

# The exposure is x1 and its spline x1-x3; each model gets its own knots. Only the fits are timed, not the basis.
knots <- as.matrix(read.csv(files[3]))
one_of_many <- function(row) {
  domain$variables[c("x1", "x2", "x3")] <- rcspline.eval(domain$variables$x1, knots = knots[row, ], inclx = TRUE)
  system.time(fit(domain))[["elapsed"]]
}
cat(jsonlite::toJSON(list(fit = seconds(fit, 15), design = seconds(function() declare(data), 5),
                          refit = seconds(refit, 3) / 50,
                          many = sum(sapply(seq_len(nrow(knots)), one_of_many))), auto_unbox = TRUE, digits = NA))
