# Median seconds of one svyglm fit with its covariance on the matrix that the Python benchmark fits, as JSON.
suppressPackageStartupMessages(library(survey))
data <- read.csv(commandArgs(trailingOnly = TRUE)[1])
right <- paste(grep("^x", names(data), value = TRUE), collapse = " + ")
formula <- as.formula(paste("y ~", right))
seconds <- function(action, times) median(replicate(times, system.time(action())[["elapsed"]]))
declare <- function() {
  design <- svydesign(ids = ~psu, strata = ~strata, weights = ~w, data = data, nest = TRUE)
  subset(design, inside == 1)
}
domain <- declare()
fit <- function() vcov(svyglm(formula, design = domain, family = quasibinomial(), control = glm.control(epsilon = 1e-13)))
invisible(fit()) # warm up
cat(jsonlite::toJSON(list(fit = seconds(fit, 15), design = seconds(declare, 5)), auto_unbox = TRUE, digits = NA))
